import pytest

from dsvc.errors import (
    MissingFileError,
    NotARepositoryError,
    RepositoryExistsError,
    UnsupportedFormatError,
    UserError,
)
from dsvc.repo.base import BaseRepository
from dsvc.repo.layout import begin_layout, find_layout, telling_why


def test_a_repository_is_found_from_below(repo):
    """Any directory below leads to the repository, and so does a link to it."""
    below = repo.path / "a" / "b"
    below.mkdir(parents=True)
    assert repo.path == find_layout(below).path
    link = repo.path.parent / "link"
    link.symlink_to(below)
    assert repo.path == find_layout(link).path


def test_a_plain_directory_is_no_repository(tmp_path):
    """The error is NotARepositoryError, exit code 10, and the hint says how to make one."""
    with pytest.raises(NotARepositoryError) as caught:
        find_layout(tmp_path)
    assert 10 == caught.value.exit_code
    assert "dsvc init" in caught.value.hint


def test_no_directory_is_named(tmp_path):
    """A directory that is not there is another error."""
    with pytest.raises(MissingFileError, match="nowhere"):
        find_layout(tmp_path / "nowhere")


def test_another_format_is_refused(repo):
    """A repository of an unknown layout is not touched; both numbers are named."""
    repo.layout.format.write_text("99\n")
    with pytest.raises(UnsupportedFormatError) as caught:
        find_layout(repo.path)
    assert 14 == caught.value.exit_code
    assert "'99'" in str(caught.value)
    assert "reads 1" in str(caught.value)


def test_a_half_made_repository_is_none_and_can_be_made(tmp_path, clock):
    """A kill before the end of init leaves no repository, and init completes it."""
    begin_layout(tmp_path)
    with pytest.raises(NotARepositoryError):
        find_layout(tmp_path)
    BaseRepository.init(tmp_path, author="ann", clock=clock).close()
    assert tmp_path.resolve() == find_layout(tmp_path).path


def test_where_nothing_can_be_written(tmp_path, clock):
    """A file in the directory's place is an error that names it, and stays."""
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="file"):
            BaseRepository.init(place, author="ann", clock=clock)
    assert "mine" == (tmp_path / "file").read_text()


def test_what_the_file_system_refuses_is_told(tmp_path):
    """An error of the file system becomes one with a hint."""
    with pytest.raises(UserError, match=r"x: Permission denied") as caught, telling_why(tmp_path):
        raise PermissionError(13, "Permission denied", "x")
    assert "room" in caught.value.hint


def test_init_twice_is_refused(repo, clock):
    """A repository is not made over another."""
    with pytest.raises(RepositoryExistsError):
        BaseRepository.init(repo.path, author="ann", clock=clock)
