"""`dsvc completion`: let the shell complete commands, branches and signals."""

from __future__ import annotations

import click

from dsvc.commands._command import command


@command(
    in_repository=False,
    examples=[
        "dsvc completion bash > ~/.local/share/bash-completion/completions/dsvc",
        "dsvc completion zsh > ~/.zfunc/_dsvc",
        "dsvc completion fish > ~/.config/fish/completions/dsvc.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the script that makes a shell complete dsvc's words."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    # The template, not `source()`: that one starts a bash to ask for its version.
    maker = kind(ctx.find_root().command, {}, "dsvc", "_DSVC_COMPLETE")
    click.echo(maker.source_template % maker.source_vars())
