"""Branches and tags: made, listed, taken away."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from dsvc.errors import DirtyWorktreeError, RefConflictError, RefExistsError, RefNotFoundError, UserError
from dsvc.objects.encoding import get_object, put_object
from dsvc.objects.oid import Kind, Oid
from dsvc.objects.tag import Tag
from dsvc.repo.history import is_ancestor, read_commit, utc
from dsvc.repo.names import GLOBAL, check_ref_name, nearest, split_tag_name
from dsvc.repo.refs import DRAFTS, HEADS, TAGS
from dsvc.repo.view import View
from dsvc.store.base import RefChange
from dsvc.store.writer import ObjectWriter

if TYPE_CHECKING:
    from dsvc.repo.workspace import Workspace


class BranchInfo(msgspec.Struct, frozen=True):
    """One branch."""

    name: str
    commit: str | None
    """Hex id; None for the current branch before its first commit."""
    is_current: bool
    has_draft: bool


class TagInfo(msgspec.Struct, frozen=True):
    """One tag."""

    name: str
    commit: str
    """Hex id."""
    dataset: str | None
    author: str
    time: datetime
    """Aware, UTC."""
    message: str


def create_branch(repo: Workspace, name: str, revision: str) -> BranchInfo:
    """Make a branch at a revision."""
    check_new_branch(repo, name)
    commit = repo.resolve(revision)
    with repo.new_writer() as writer:
        _create_ref(repo, writer, RefChange(HEADS + name, None, commit), "branch", name)
    return BranchInfo(name, commit.hex(), is_current=False, has_draft=False)


def check_new_branch(repo: Workspace, name: str) -> None:
    """Check that a branch of this name can be made.

    Raises:
        InvalidNameError: If the name breaks the rule for branches.
        RefExistsError: If a branch or tag has it.
    """
    check_ref_name(name, "branch")
    for what, prefix in (("branch", HEADS), ("tag", TAGS)):
        if repo.store.refs.get(prefix + name) is not None:
            raise RefExistsError(what=what, name=name)


def _create_ref(repo: Workspace, writer: ObjectWriter, change: RefChange, what: str, name: str) -> None:
    """Write a new ref; losing a race for the name is the same error as coming late."""
    try:
        writer.update([change], repo.operation(f"{what} {name}"))
    except RefConflictError as err:
        raise RefExistsError(what=what, name=name) from err


def list_branches(repo: Workspace) -> list[BranchInfo]:
    """Return the branches by name; the current one is among them before its first commit."""
    head = repo.head()
    drafts = {name.removeprefix(DRAFTS) for name, _ in repo.store.refs.iter_refs(DRAFTS)}
    commits = {name.removeprefix(HEADS): value.hex() for name, value in repo.store.refs.iter_refs(HEADS)}
    names = {*commits, *([head.branch] if head.branch else [])}
    return [BranchInfo(name, commits.get(name), name == head.branch, name in drafts) for name in sorted(names)]


def delete_branch(repo: Workspace, name: str, *, force: bool) -> None:
    """Take a branch away; see `dsvc.repo.base.BaseRepository.delete_branch`."""
    head = repo.head()
    value = repo.store.refs.get(HEADS + name)
    if value is None:
        raise RefNotFoundError(revision=name, nearest=nearest(name, (b.name for b in list_branches(repo))))
    if name == head.branch:
        raise UserError(message=f"branch {name!r} is the current one", hint="run `dsvc switch` to another branch first")
    draft = repo.store.refs.get(DRAFTS + name)
    if draft is not None and not force:
        raise DirtyWorktreeError(
            changes=[f"the draft of {name}"], hint=f"run `dsvc switch {name}` and commit it, or pass `--force`"
        )
    if not force and not _is_reachable(repo, Oid(value), without=name):
        raise UserError(
            message=f"no other branch or tag leads to {value.hex()[:12]}, the last commit of {name!r}",
            hint=f"keep it with `dsvc tag NAME {name}`, or pass `--force`",
        )
    changes = [RefChange(HEADS + name, value, None)]
    changes += [] if draft is None else [RefChange(DRAFTS + name, draft, None)]
    repo.store.refs.update(changes, op=repo.operation(f"branch --delete {name}"))


def _is_reachable(repo: Workspace, commit: Oid, without: str) -> bool:
    head = repo.head().commit
    others = {Oid(value) for ref, value in repo.store.refs.iter_refs(HEADS) if ref != HEADS + without}
    others |= {Oid(bytes.fromhex(tag.commit)) for tag in list_tags(repo)}
    others |= {head} if head else set()
    return any(is_ancestor(repo.store.objects, commit, other) for other in others)


def create_tag(repo: Workspace, name: str, revision: str, message: str) -> TagInfo:
    """Make a tag; see `dsvc.repo.base.BaseRepository.tag`."""
    dataset, _ = split_tag_name(name)
    for what, prefix in (("tag", TAGS), ("branch", HEADS)):
        if repo.store.refs.get(prefix + name) is not None:
            raise RefExistsError(what=what, name=name, hint="tags do not move; choose another name")
    oid = repo.resolve(revision)
    if dataset not in {None, GLOBAL}:
        commit = read_commit(repo.store.objects, oid)
        View(repo.store.objects, commit.root, commit.state, revision=revision).dataset(str(dataset))
    tag = Tag(oid, dataset, repo.author, repo.clock(), message)
    with repo.new_writer() as writer:
        value = put_object(writer, Kind.TAG, tag)
        _create_ref(repo, writer, RefChange(TAGS + name, None, value), "tag", name)
    return _describe_tag(name, tag)


def list_tags(repo: Workspace) -> list[TagInfo]:
    """Return the tags by name."""
    return [
        _describe_tag(ref.removeprefix(TAGS), get_object(repo.store.objects, Oid(value), Kind.TAG, Tag))
        for ref, value in repo.store.refs.iter_refs(TAGS)
    ]


def delete_tag(repo: Workspace, name: str) -> None:
    """Take a tag away.

    Raises:
        RefNotFoundError: If there is none of this name.
    """
    value = repo.store.refs.get(TAGS + name)
    if value is None:
        raise RefNotFoundError(revision=name, nearest=nearest(name, (tag.name for tag in list_tags(repo))))
    repo.store.refs.update([RefChange(TAGS + name, value, None)], op=repo.operation(f"tag --delete {name}"))


def _describe_tag(name: str, tag: Tag) -> TagInfo:
    return TagInfo(name, tag.commit.hex(), tag.dataset, tag.author, utc(tag.time_us), tag.message)
