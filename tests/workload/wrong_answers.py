"""Answers altered on the way, for a proxy: the right number of records, and the wrong ones."""

import json


def other_ids(data: bytes) -> bytes:
    answer = json.loads(data)
    if answer["ids"] and isinstance(answer["ids"][0], list):
        answer["ids"] = [[f"x{n}" for n in range(len(row))] for row in answer["ids"]]
    else:
        answer["ids"] = [f"x{n}" for n in range(len(answer["ids"]))]
    return json.dumps(answer).encode()
