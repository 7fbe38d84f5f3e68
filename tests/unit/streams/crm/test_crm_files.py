"""An operator's YAML: what is wrong is named by its place, and nothing of a secret is repeated."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from streams.crm.files import BadFile, read
from streams.crm.secret import Secret


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user: str
    password: Secret


def complaint(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(BadFile) as caught:
        read(file, Options)
    said = str(caught.value)
    assert "hunter2" not in said
    assert "hunter2" not in repr(caught.value.__cause__ if "YAML" in said else "")
    return said.removeprefix(f"{file}: ")


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "options.yaml"
    file.write_text("user: ann  # the integration user\npassword: {file: /run/secrets/crm}\n")
    assert read(file, Options).user == "ann"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Input should be a valid dictionary or instance of Options"),
        ("user: ann", "password: Field required"),
        ("user: 5\npassword: hunter2", "user: Input should be a valid string"),
        ("user: ann\npassword: hunter2\nuesr: x", "uesr: Extra inputs are not permitted"),
        ("user: ann\npassword: hunter2\npassword: x", "line 1, column 1: a member is there twice"),
        ("user: ann\npassword: @hunter2", "line 2, column 11: is no YAML; text with special"),
        ("user: ann\npassword: *hunter2", "line 2, column 11: is no YAML; text with special"),
        ("user: ann\npassword: !hunter2 x", "line 2, column 11: only plain data may be here"),
        ("user: ann\npassword: !!python/name:os.hunter2", "line 2, column 11: only plain data"),
        ("user: ann\npassword: hunter2: x", "line 2, column 18: is no YAML; text with special"),
        ("user: ann\npassword: 'hunter2", "line 2, column 19: is no YAML; text with special"),
        ("user: ann\npassword: hunter2\x07", "is no YAML text: ReaderError"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert complaint(tmp_path / "options.yaml", text).startswith(said)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "options.yaml"
    file.write_bytes(b"user: \xff")
    with pytest.raises(BadFile, match=r"options\.yaml: is no YAML text: UnicodeDecodeError"):
        read(file, Options)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"nowhere\.yaml: cannot be read: FileNotFoundError"):
        read(tmp_path / "nowhere.yaml", Options)
