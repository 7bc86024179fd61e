"""`pytest --no-skips`: a skipped test fails, unless a piece of its reason is in `allowed_skips` of pyproject.toml.

A skip says that something was not tried. In CI all that a test may ask for is installed first, so that green means
tried.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="fail a test that is skipped, but for `allowed_skips`")
    parser.addini("allowed_skips", "pieces of the reasons that --no-skips lets pass", type="linelist", default=[])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    if not hasattr(report, "wasxfail"):  # an expected failure is reported as a skip too
        _fail_where_skipped(report, item.config)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    report = yield
    _fail_where_skipped(report, collector.config)
    return report


def _fail_where_skipped(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    if not (report.skipped and config.getoption("--no-skips")):
        return
    _, _, reason = report.longrepr
    if not any(piece in reason for piece in config.getini("allowed_skips")):
        report.outcome = "failed"
        report.longrepr = f"not tried: {reason}"
