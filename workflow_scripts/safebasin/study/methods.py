"""The menu of methods: one model per type, without torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from safebasin.store.canonical import Json
from safebasin.study.base import PLUGIN, Count, Distinct, PluginFiles, type_of
from safebasin.study.training import TrainingOverride

Lambda = Annotated[float, Field(gt=0, le=10**9)]
Lambdas = Lambda | Annotated[tuple[Lambda, ...], Field(min_length=1), Distinct]


Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Strengths = Annotated[tuple[Whole | Finite, ...], Field(min_length=1), Distinct]


class _Method(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    training: TrainingOverride | None = None
    """What this method changes of the study's training."""

    @property
    def needs_direction(self) -> bool:
        """Whether the method reads the alignment direction while it trains."""
        return False

    def strengths(self) -> tuple[float | None, ...]:
        """Return the λ of each setting; (None,) for a method without one."""
        return (None,)

    def params(self, strength: float | None) -> dict[str, Json]:
        """Return the params of the step at one setting."""
        raise NotImplementedError

    def setting(self, strength: float | None) -> str:
        """Return the setting as a reader sees it."""
        return "" if strength is None else f"λ={_short(strength)}"


class Sft(_Method):
    """Plain supervised fine-tuning: no penalty."""

    type: Literal["sft"]

    def params(self, strength: float | None) -> dict[str, Json]:
        """Return {"type": "sft"}."""
        del strength
        return {"type": "sft"}


class _Penalty(_Method):
    lambda_: Annotated[Lambdas, Field(alias="lambda")]
    """Strength of the penalty, or a list of them. 0 is not a defence."""
    scaled: bool = False
    """Penalise (alpha / rank)·BA rather than BA. The released code penalises BA."""

    def strengths(self) -> tuple[float | None, ...]:
        """Return every λ."""
        return self.lambda_ if isinstance(self.lambda_, tuple) else (self.lambda_,)


class Ridge(_Penalty):
    """The same penalty without a direction, λ·‖BA‖²: the control of AsFT."""

    type: Literal["ridge"]

    def params(self, strength: float | None) -> dict[str, Json]:
        """Return the step's params at one λ."""
        return {"type": "ridge", "lambda": strength, "scaled": self.scaled}


class Asft(_Penalty):
    """Anchoring safety in fine-tuning: λ·‖(I − C)BA‖² (arXiv 2506.08473)."""

    type: Literal["asft"]
    projector: Literal["reference", "reference_scaled", "spectral", "exact"] = "reference"
    """Which C: the released code's d·dᵀ/‖d‖, the same over its largest eigenvalue, the true
    projector on the leading left singular vectors, or the paper's print."""
    rank: Count | None = None
    """How many singular vectors, for ``spectral``."""
    direction: Literal["aligned", "random"] = "aligned"
    """``random`` takes a random direction of the same spectrum: a control."""

    @property
    def needs_direction(self) -> bool:
        """AsFT reads the direction."""
        return True

    def params(self, strength: float | None) -> dict[str, Json]:
        """Return the step's params at one λ."""
        return {
            "type": "asft",
            "lambda": strength,
            "scaled": self.scaled,
            "projector": self.projector,
            "rank": self.rank,
        }


class SafeLora(_Method):
    """Safe LoRA: project an adapter's update after training (arXiv 2405.16833)."""

    type: Literal["safe_lora"]
    of: str
    """The method whose adapters are projected."""
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Project the matrices whose cosine of C·BA with BA is not above this; it is never below 0."""
    matrices: Count | None = None
    """Or project this many matrices, those with the smallest cosine."""

    @property
    def needs_direction(self) -> bool:
        """Safe LoRA reads the direction, after training."""
        return True

    def params(self, strength: float | None) -> dict[str, Json]:
        """Return the step's params."""
        del strength
        return {"threshold": self.threshold, "matrices": self.matrices}

    def setting(self, strength: float | None) -> str:
        """Return the threshold or the number of matrices."""
        del strength
        if self.matrices is not None:
            return f"{self.matrices} matrices"
        return f"threshold={_short(self.threshold)}" if self.threshold is not None else ""


class Plugin(_Method):
    """A user's own objective, ``./file.py:Class``."""

    type: Annotated[str, Field(pattern=PLUGIN)]
    file_params: Annotated[dict[str, Any], Field(alias="params")] = {}
    """What the class is made with."""
    files: PluginFiles | None = None
    """Files and folders beside it that it reads."""
    sweep: Annotated[dict[str, Strengths], Field(min_length=1, max_length=1)] | None = None
    """One parameter of the class with a list of numbers: a setting each, as with a list of λ. A
    list under ``params`` is one value."""
    direction: bool = False
    """Whether it is given the alignment direction."""

    @property
    def needs_direction(self) -> bool:
        """What the study says."""
        return self.direction

    def strengths(self) -> tuple[float | None, ...]:
        """Return every value of the parameter that is swept."""
        return next(iter(self.sweep.values())) if self.sweep else (None,)

    def params(self, strength: float | None) -> dict[str, Json]:
        """Return the step's params at one value."""
        files = list(self.files) if self.files else None
        return {"type": self.type, "params": self._made_with(strength), "files": files}

    def setting(self, strength: float | None) -> str:
        """Return the params, readable."""
        made_with = sorted(self._made_with(strength).items())
        return ", ".join(f"{key}={value}" for key, value in made_with)

    def _made_with(self, strength: float | None) -> dict[str, Any]:
        return self.file_params | dict.fromkeys(self.sweep or (), strength)


def _short(number: float) -> str:
    """Return the number in few digits where they are the number, else in all."""
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


Method = Annotated[
    Annotated[Sft, Tag("sft")]
    | Annotated[Ridge, Tag("ridge")]
    | Annotated[Asft, Tag("asft")]
    | Annotated[SafeLora, Tag("safe_lora")]
    | Annotated[Plugin, Tag("plugin")],
    Discriminator(type_of),
]
