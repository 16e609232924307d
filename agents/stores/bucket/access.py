"""Who the agent is to a bucket's server: keys from a file, the environment, or the machine's role.

The keys are asked for anew with each request, because a role's change every hour. They are in no
log and no error: only this module holds them, and its text tells where they came from, not what
they are.
"""

from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.session import Session

from retention.errors import ConfigError


class Access:
    """Credentials as botocore finds them; `file` is one in the form of `~/.aws/credentials`."""

    def __init__(self, file: Path | None = None, *, profile: str | None = None) -> None:
        session = Session(profile=profile)
        if file is not None:
            if not file.is_file():
                raise ConfigError(f"there is no file of credentials {file}")
            session.set_config_variable("credentials_file", str(file))
            session.get_component("credential_provider").remove(
                "env"
            )  # a file that is named counts
        try:
            self._found = session.get_credentials()
        except BotoCoreError as error:
            raise ConfigError(f"no credentials for the bucket: {type(error).__name__}") from error
        if self._found is None and file is not None:
            raise ConfigError(f"{file} has no keys of a profile [{profile or 'default'}]")
        if self._found is None:
            raise ConfigError(
                "no credentials for the bucket: name a file of them, or set AWS_ACCESS_KEY_ID and"
                " AWS_SECRET_ACCESS_KEY"
            )

    def keys(self) -> Any:
        """The keys of this moment, for the signer alone."""
        return self._found.get_frozen_credentials()

    def __repr__(self) -> str:
        return f"Access(by {self._found.method})"
