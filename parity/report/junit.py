"""A proof as JUnit XML, for the dashboards of a CI."""

from xml.etree import ElementTree

from parity.report.proof import Proof


def to_junit(proof: Proof) -> str:
    """A test case for every check, a suite for every engine."""
    suites = ElementTree.Element("testsuites", name="parity")
    for candidate in proof.candidates:
        failures = sum(not check.passed for check in candidate.checks)
        suite = ElementTree.SubElement(
            suites,
            "testsuite",
            name=f"parity.{candidate.name}",
            tests=str(len(candidate.checks)),
            failures=str(failures),
        )
        for check in candidate.checks:
            name = f"{check.place}"
            case = ElementTree.SubElement(suite, "testcase", classname=f"parity.{candidate.name}", name=name)
            if not check.passed:
                text = f"{check.measured:.6g} {check.unit}, limit {check.limit:.6g}"
                ElementTree.SubElement(case, "failure", message=text)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"
