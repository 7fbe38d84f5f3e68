"""Which tasks follow from an event, and what they say: an operator's rules, in one YAML file.

`model` is what the file may say, `document` and `loader` read it, `book` picks the rule of an
event, and `calendar` and `template` are what a rule needs to become a task. All but `loader` is
pure. Operators read docs/task-rules.md.
"""
