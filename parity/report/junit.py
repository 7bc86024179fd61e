"""A proof as JUnit XML, for the dashboards of a CI."""

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from parity.report.proof import Candidate, Proof, scope, verdict


def to_junit(proof: Proof) -> str:
    """A test case for every check, a suite for every engine; what it is about and where it is from as properties."""
    suites = Element("testsuites", name="parity")
    for candidate in proof.candidates:
        name, failures = f"parity.{candidate.name}", sum(not check.passed for check in candidate.checks)
        counts = {"tests": str(len(candidate.checks)), "failures": str(failures)}
        suite = SubElement(suites, "testsuite", {"name": name, **counts})
        _tell(SubElement(suite, "properties"), _properties(proof, candidate))
        for check in candidate.checks:
            case = SubElement(suite, "testcase", classname=name, name=check.place)
            if not check.passed:
                text = f"{check.measured:.6g} {check.unit}, limit {check.limit:.6g}"
                SubElement(case, "failure", message=text)
    return tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _properties(proof: Proof, candidate: Candidate) -> dict[str, Any]:
    sides = {"reference": proof.reference.header["provenance"], "port": candidate.provenance}
    versions = {f"{side}.{key}": value for side, told in sides.items() for key, value in told.items()}
    return {"verdict": verdict(proof), "scope": scope(proof), **proof.made, **versions}


def _tell(properties: Element, told: Mapping[str, Any]) -> None:
    for key, value in told.items():
        SubElement(properties, "property", name=key, value=str(value))
