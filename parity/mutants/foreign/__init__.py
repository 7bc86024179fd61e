"""The usual mistakes of porting, planted into the proven step of somebody's program: each must be found out.

`updates`, `gradients`, `given` and `written` plant them; `hunt` holds what they make against the recording.
"""
