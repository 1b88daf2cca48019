"""Where the state of work in progress is: disposable, behind four primitives."""
