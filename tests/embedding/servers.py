"""Embedding services on loopback, with faults: an OpenAI-compatible one, and one as TEI answers.

Real servers: the libraries that chromadb calls talk to them by HTTP. The vectors are of a model that
is handed in; `WordModel` is a small one.
"""

import base64
import hashlib
import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

import numpy as np

from chromadrill.core.loopback_server import LoopbackServer

TEI_MOST = 32  # texts of a request, as TEI has it by default
KEY = "sk-drill-0123456789abcdef"


class WordModel:
    """A vector of each text from its words: texts that share words are near. Deterministic."""

    def __init__(self, seed="", dimension=32):
        self.seed, self.dimension = seed, dimension

    def embed(self, texts):
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in [*text.split(), text]:
                digest = hashlib.shake_256((self.seed + word).encode("utf-8", "surrogatepass"))
                row += (
                    np.frombuffer(digest.digest(self.dimension), np.uint8).astype(np.float32)
                    - 127.5
                )
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@dataclass(frozen=True)
class Fault:
    """Of one request: a status, or an answer that comes late, in both cases once."""

    status: int = 0
    retry_after: str | None = None
    delay_s: float = 0.0
    message: str = "the service is overloaded"


class EmbeddingService:
    """Both services at one address. `requests`: the texts of each request that was answered.

    `faults` are served first, one a request. `alter` makes another answer of the vectors.
    """

    def __init__(self, model=None):
        self.model = model or WordModel()
        self.requests, self.keys = [], []
        self.faults = deque()
        self.alter = lambda vectors: vectors
        self.indices = None  # None: as they come
        self.fail_after = None  # texts, after which every request fails
        self._lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                service.serve(self)

            def log_message(self, *_):
                pass

        self._server = LoopbackServer(Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def texts(self):
        return [text for request in self.requests for text in request]

    def reset(self):
        self.model, self.alter, self.indices, self.fail_after = WordModel(), lambda v: v, None, None
        self.requests.clear()
        self.keys.clear()
        self.faults.clear()

    # ---- configurations as a collection holds them ---------------------------------------------
    def openai(self, **more):
        """The configuration of a collection that was made with chromadb's OpenAIEmbeddingFunction."""
        config = {
            "api_key_env_var": "EMBEDDING_DOOR", "model_name": "text-embedding-3-small",
            "api_base": f"{self.url}/v1", "organization_id": None, "api_type": None,
            "api_version": None, "deployment_id": None, "default_headers": None, "dimensions": None,
        }  # fmt: skip
        return {"type": "known", "name": "openai", "config": config | more}

    def tei(self, **more):
        config = {"url": f"{self.url}/embed", "api_key_env_var": None} | more
        return {"type": "known", "name": "huggingface_server", "config": config}

    # ---- answers -------------------------------------------------------------------------------
    def serve(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        key = (handler.headers.get("authorization") or "").removeprefix("Bearer ")
        with self._lock:
            self.keys.append(key)
            fault = self.faults.popleft() if self.faults else Fault()
            if self.fail_after is not None and len(self.texts) >= self.fail_after:
                fault = Fault(status=500)
        if fault.delay_s:
            time.sleep(fault.delay_s)
        if fault.status:
            headers = {"retry-after": fault.retry_after} if fault.retry_after else {}
            self._answer(handler, fault.status, {"error": {"message": fault.message}}, headers)
        elif handler.path == "/embed":
            self._tei(handler, body)
        elif handler.path == "/v1/embeddings" and key == KEY:
            self._openai(handler, body)
        elif handler.path == "/v1/embeddings":
            self._answer(handler, 401, {"error": {"message": f"Incorrect API key provided: {key}"}})
        else:
            self._answer(handler, 404, {"error": "no such path"})

    def _vectors(self, texts):
        vectors = self.alter(self.model.embed(texts))
        with self._lock:
            self.requests.append(list(texts))
        return vectors

    def _tei(self, handler, body):
        texts = body["inputs"]
        if len(texts) > TEI_MOST:
            message = f"batch size {len(texts)} > maximum allowed batch size {TEI_MOST}"
            self._answer(handler, 422, {"error": message, "error_type": "Validation"})
            return
        self._answer(handler, 200, [np.asarray(row).tolist() for row in self._vectors(texts)])

    def _openai(self, handler, body):
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        if any(text == "" or len(text) > 8000 for text in texts):
            self._answer(handler, 400, {"error": {"message": "invalid input"}})
            return
        vectors = self._vectors(texts)
        indices = self.indices(len(vectors)) if self.indices else range(len(vectors))
        is_base64 = body.get("encoding_format") == "base64"
        data = [
            {
                "object": "embedding",
                "index": index,
                "embedding": _json_vector(vectors[index], is_base64),
            }
            for index in indices
        ]
        tokens = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._answer(
            handler, 200, {"object": "list", "data": data, "model": body["model"], "usage": usage}
        )

    def _answer(self, handler, status, content, headers=None):
        data = json.dumps(content).encode()
        try:
            handler.send_response(status)
            for name, value in (headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("content-type", "application/json")
            handler.send_header("content-length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True  # the client did not wait


def _json_vector(row, is_base64):
    row = np.asarray(row, np.float32)
    return base64.b64encode(row.tobytes()).decode() if is_base64 else row.tolist()
