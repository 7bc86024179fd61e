"""A proof as JUnit XML, for the dashboards of a CI."""

from xml.etree.ElementTree import Element, SubElement, tostring

from parity.report.proof import Proof


def to_junit(proof: Proof) -> str:
    """A test case for every check, a suite for every engine."""
    suites = Element("testsuites", name="parity")
    for candidate in proof.candidates:
        name, failures = f"parity.{candidate.name}", sum(not check.passed for check in candidate.checks)
        counts = {"tests": str(len(candidate.checks)), "failures": str(failures)}
        suite = SubElement(suites, "testsuite", {"name": name, **counts})
        for check in candidate.checks:
            case = SubElement(suite, "testcase", classname=name, name=check.place)
            if not check.passed:
                text = f"{check.measured:.6g} {check.unit}, limit {check.limit:.6g}"
                SubElement(case, "failure", message=text)
    return tostring(suites, encoding="unicode", xml_declaration=True) + "\n"
