"""What another program prints is shown without what it calls a secret."""

import pytest

from chromadrill.core.redaction import mask_output


@pytest.mark.parametrize(
    "text",
    [
        "password=S3CRET",
        "PASSWORD: S3CRET",
        '{"api_key": "S3CRET"}',
        "AWS_SECRET_ACCESS_KEY=S3CRET aws s3 ls",
        "restic --password S3CRET snapshots",
        "Authorization: Bearer S3CRET",
        "authorization=S3CRET",
        "https://user:S3CRET@host/path",
        "refresh_token='S3CRET'",
    ],
)
def test_secret_is_masked(text):
    assert "S3CRET" not in mask_output(text)


@pytest.mark.parametrize(
    "text",
    [
        "Fatal: wrong password or no key found",
        "an empty password is not a password",
        "no such file: /srv/backups/token/x",
        "snapshot 5e1f0c2a saved",
    ],
)
def test_plain_words_stay(text):
    assert mask_output(text) == text
