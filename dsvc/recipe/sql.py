"""SQL over signals, in one place: parsing, binding, refusing and evaluating."""

from dsvc.recipe.evaluate import SqlEvaluator
from dsvc.recipe.expressions import Expression, Place, Select, name_expression, parse_expression, parse_select
from dsvc.recipe.paths import CIRCUMSTANCES, InputPath

__all__ = [
    "CIRCUMSTANCES",
    "Expression",
    "InputPath",
    "Place",
    "Select",
    "SqlEvaluator",
    "name_expression",
    "parse_expression",
    "parse_select",
]
