"""A bucket of S3, or of a store that speaks its language, as staging store; the extra `s3` installs boto3.

A copy is created with `If-None-Match: *`, and carries a word of its creator. Where the store answers 5xx or nothing,
it is not known what happened: the object's word tells whether it is ours. What a store does not honour, `check` says:
one that overwrites is no danger, since keys are secret and claimed in the op store before; but in a versioned bucket
a deleted image stays as an old version, and that is refused.

Addresses are signed by version 4 of the signature alone: version 2 drops conditions.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Final

from dsvc.annotation.staging.store import EXPIRY_RULE, KEY_PREFIX, VERSIONS, StagedObject
from dsvc.errors import PluginError, StoreError, StorePermissionError, StoreUnavailableError
from dsvc.plugins.platforms import Finding

CONNECT_S: Final = 5.0
SILENCE_S: Final = 20.0
SKEW_S: Final = 60
"""How far a store's clock may be from ours: addresses that are signed per view live for a minute."""
_LONGEST_S = 86_400
"""An address is signed for as long as a copy can live."""
_WORD = "dsvc-put"
_TRIES = 3
_GONE = {"404", "NoSuchKey", "NotFound"}
_TAKEN = {"PreconditionFailed", "412"}
_RACE = {"ConditionalRequestConflict", "409"}
_REFUSED = {"AccessDenied", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}
_NO_RULES = {"NoSuchLifecycleConfiguration"}


class S3Staging:
    """Staged copies as objects below a prefix of a bucket."""

    def __init__(self, bucket: str, prefix: str = "", *, client: Any = None, declared_rule: str | None = None) -> None:
        """Open nothing; a client is made with the first call, unless one is given.

        Args:
            bucket: The bucket's name.
            prefix: What all keys begin with; it holds nothing else.
            client: boto3's; made by boto3's own settings if None.
            declared_rule: What empties the store within a day, in words, where it does so otherwise than by a
                lifecycle rule that can be read.
        """
        self._bucket, self._prefix = bucket, prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._given, self._declared = client, declared_rule

    @cached_property
    def _client(self) -> Any:
        return self._given or _make_client()

    @property
    def name(self) -> str:
        """Bucket and prefix."""
        return f"s3://{self._bucket}/{self._prefix}"

    def put(self, key: str, data: bytes, media_type: str) -> StagedObject | None:
        """Create an object; None if there is one of this key that is not ours."""
        word = os.urandom(12).hex()

        def create() -> bool | None:
            """Return whether it was created; None where that is not known."""
            code = self._try_create(key, data, media_type, word)
            return True if code is None else False if code in _TAKEN else None

        return self._settle(key, word, create)

    def _settle(self, key: str, word: str, create: Callable[[], bool | None]) -> StagedObject | None:
        for _ in range(_TRIES):
            is_created = create()
            found = self._head(key)
            if found is not None:
                staged, whose = found
                return staged if is_created or whose == word else None
            if is_created:  # and deleted since, by whoever thinks it overdue
                raise StoreUnavailableError(store=self.name, reason="a copy was gone as soon as it was put")
        raise StoreUnavailableError(store=self.name, reason="a copy could not be put")

    def _try_create(self, key: str, data: bytes, media_type: str, word: str) -> str | None:
        """Return None where the object was created, else the store's code; `lost` where it did not say."""
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=self._prefix + key,
                Body=data,
                ContentType=media_type,
                CacheControl="no-store",
                Metadata={_WORD: word},
                IfNoneMatch="*",
            )
        except ClientError as err:
            code, status = _code(err), _status(err)
            if status >= 500 or code in _TAKEN or code in _RACE or status == 412:
                return "412" if status == 412 else code
            raise self._translated(err) from None
        except HTTPClientError:  # time-outs, resets
            return "lost"
        except BotoCoreError as err:
            raise self._translated(err) from None
        return None

    def head(self, key: str) -> StagedObject | None:
        """Return what is under a key, or None."""
        found = self._head(key)
        return None if found is None else found[0]

    def _head(self, key: str) -> tuple[StagedObject, str] | None:
        from botocore.exceptions import ClientError

        with self._faults():
            try:
                answer = self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            except ClientError as err:
                if _code(err) in _GONE or _status(err) == 404:
                    return None
                raise
        put_us = int(answer["LastModified"].timestamp()) * 10**6
        staged = StagedObject(key, put_us, answer.get("ETag", ""), int(answer.get("ContentLength", 0)))
        return staged, answer.get("Metadata", {}).get(_WORD, "")

    def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        with self._faults():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)

    def iter_objects(self) -> Iterator[StagedObject]:
        """Yield everything below the prefix."""
        with self._faults():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._prefix)
                    if not key:
                        continue  # what consoles put for a folder
                    put_us = int(found["LastModified"].timestamp()) * 10**6
                    yield StagedObject(key, put_us, found.get("ETag", ""), int(found.get("Size", 0)))

    def uri(self, key: str) -> str:
        """Return `s3://bucket/prefix/key`."""
        return f"s3://{self._bucket}/{self._prefix}{key}"

    def sign(self, key: str, life_s: int) -> str:
        """Return an address that shows the object for so many seconds; nobody is asked for it."""
        with self._faults():
            wanted = {"Bucket": self._bucket, "Key": self._prefix + key}
            return str(self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=life_s))

    def check(self) -> Iterator[Finding]:
        """Yield what deletes there, whether it is gone then, and how creating, signing and the time are."""
        yield self._find_versions()
        yield self._find_rule()
        yield self._find_condition()
        yield self._find_clock()
        yield self._find_address()

    def _find_rule(self) -> Finding:
        from botocore.exceptions import ClientError

        advice = f"give {self.name} a lifecycle rule that expires objects after 1 day, or say what empties it"
        try:
            with self._faults():
                try:
                    answer = self._client.get_bucket_lifecycle_configuration(Bucket=self._bucket)
                except ClientError as err:
                    if _code(err) not in _NO_RULES and _status(err) != 404:
                        raise
                    answer = {}
        except StoreUnavailableError:
            raise  # it may be well: there is nothing to find now
        except StoreError as err:
            if self._declared:
                return Finding(EXPIRY_RULE, True, f"declared: {self._declared}")
            return Finding(EXPIRY_RULE, False, f"its rules cannot be read ({err.reason})", advice)
        for rule in answer.get("Rules", ()):
            if _covers(rule, self._prefix):
                return Finding(EXPIRY_RULE, True, f"lifecycle rule {rule.get('ID', '')!r}: 1 day".replace(" ''", ""))
        if self._declared:
            return Finding(EXPIRY_RULE, True, f"declared: {self._declared}")
        return Finding(EXPIRY_RULE, False, "no lifecycle rule expires all of it after 1 day", advice)

    def _find_versions(self) -> Finding:
        try:
            with self._faults():
                status = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status")
        except StoreUnavailableError:
            raise
        except StoreError as err:
            return Finding(VERSIONS, True, f"cannot be read ({err.reason})")
        if status == "Enabled":
            advice = "stage in a bucket without versioning"
            return Finding(VERSIONS, False, "deleted copies would stay as old versions", advice)
        return Finding(VERSIONS, True, "deleted copies are gone")

    def _find_condition(self) -> Finding:
        key = f"{KEY_PREFIX}-probe-{os.urandom(8).hex()}"
        try:
            codes = [self._try_create(key, b"", "text/plain", "probe") for _ in range(2)]
            self.delete(key)
        except StoreError as err:
            return Finding(
                "conditional create", False, err.reason, "let the credentials put and delete below the prefix"
            )
        if codes[0] is None and codes[1] is None:
            return Finding(
                "conditional create", True, "ignored by this store; keys are claimed in the op store instead"
            )
        return Finding(
            "conditional create", codes[0] is None, "honoured" if codes[0] is None else f"failed: {codes[0]}"
        )

    def _find_address(self) -> Finding:
        """Look at a signed address as a browser would: what was asked for is not what is given everywhere."""
        key = f"{KEY_PREFIX}-probe-{os.urandom(8).hex()}"
        what, life_h = "signed address", _LONGEST_S // 3600
        try:
            self._try_create(key, b"", "text/plain", "probe")
            address = self.sign(key, _LONGEST_S)
            status = _look(address)
            self.delete(key)
        except StoreError as err:
            return Finding(what, False, err.reason, "let the credentials put and delete below the prefix")
        if status is None:
            return Finding(what, True, "cannot be looked at from here")
        if status != 200:
            advice = "let the credentials read, and the store take signatures of version 4 for a day"
            return Finding(what, False, f"the store answers {status} to one that is signed for {life_h} h", advice)
        if "X-Amz-Security-Token" in address:
            told = "shown, but it ends with these credentials: have the platform sign at each view"
            return Finding(what, True, told)
        return Finding(what, True, f"shown; the store takes it for {life_h} h")

    def _find_clock(self) -> Finding:
        """Compare clocks: a store that is ahead refuses an address that was signed for a minute."""
        try:
            with self._faults():
                answer = self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)
            there = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        except StoreError as err:
            return Finding("clock", True, f"cannot be read ({err.reason})")
        except (KeyError, TypeError, ValueError):
            return Finding("clock", True, "the store does not tell the time")
        ahead_s = round((there - datetime.now(UTC)).total_seconds())
        if abs(ahead_s) <= SKEW_S:
            return Finding("clock", True, "agrees with this machine's")
        how = f"{abs(ahead_s)} s {'ahead of' if ahead_s > 0 else 'behind'} this machine's"
        return Finding("clock", False, how, "set the clocks right: signed addresses live by them")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError) as err:
            raise self._translated(err) from None

    def _translated(self, err: Exception) -> StoreError:
        from botocore.exceptions import ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NoConnectionError

        if isinstance(err, ClientError):
            code, status = _code(err), _status(err)
            if status >= 500 or code == "SlowDown" or status == 429:
                return StoreUnavailableError(store=self.name, reason=f"it answered {status} {code}")
            kind = StorePermissionError if code in _REFUSED or status == 403 else StoreError
            return kind(store=self.name, reason=f"it answered {status} {code}")
        if isinstance(err, HTTPClientError | NoConnectionError):
            return StoreUnavailableError(store=self.name, reason="it did not answer")
        return StoreError(store=self.name, reason=str(err))


def _look(address: str) -> int | None:
    """Return how an address is answered; None where nobody answers."""
    try:
        with urllib.request.urlopen(address, timeout=SILENCE_S) as answer:  # noqa: S310 - it was signed here
            return int(answer.status)
    except urllib.error.HTTPError as err:
        return err.code
    except OSError:
        return None


def _covers(rule: dict[str, Any], prefix: str) -> bool:
    """Tell whether a lifecycle rule deletes everything below a prefix after a day."""
    narrowed = rule.get("Filter", {})
    begins = rule.get("Prefix", narrowed.get("Prefix", ""))
    is_whole = prefix.startswith(begins) and set(narrowed) <= {"Prefix"}
    return rule.get("Status") == "Enabled" and is_whole and rule.get("Expiration", {}).get("Days") == 1


def _code(err: Any) -> str:
    return str(err.response.get("Error", {}).get("Code", ""))


def _status(err: Any) -> int:
    return int(err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _make_client() -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError as err:
        raise PluginError(
            plugin="annotation",
            hook="staging",
            reason="staging in s3:// needs boto3",
            hint="run `pip install 'dsvc[s3]'`",
        ) from err
    config = Config(
        signature_version="s3v4",
        connect_timeout=CONNECT_S,
        read_timeout=SILENCE_S,
        # botocore's own tries can turn a won create into a refusal by oneself.
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return Session().client("s3", config=config)
