"""Papers of an invented agency, one small PDF each, so that anybody can try an entry from end to end."""

from __future__ import annotations

import io
import zipfile

from .demo_entry import scan

# File name and what stands on the page; both in ASCII, so that no font is needed.
PAPERS = {
    "1-business-licence.pdf": "DEMO - Business licence",
    "1-legal-representative-id.pdf": "DEMO - Identity document of the legal representative",
    "2-qualification-certificate.pdf": "DEMO - Qualification certificate",
    "2-qualification-certificate-second.pdf": "DEMO - Second qualification certificate",
    "3-agent-id.pdf": "DEMO - Identity document of the authorised agent",
    "3-agent-letter-of-authority.pdf": "DEMO - Letter of authority",
    "3-agent-social-insurance.pdf": "DEMO - Social insurance of the agent, three months",
    "4-practitioner-id.pdf": "DEMO - Identity document of the practitioner",
    "4-practitioner-certificate.pdf": "DEMO - Professional certificate",
    "4-practitioner-social-insurance.pdf": "DEMO - Social insurance of the practitioner, three months",
    "5-letter-of-commitment.pdf": "DEMO - Letter of commitment, sealed",
    "6-evidence-of-an-objection.pdf": "DEMO - Evidence of an objection",
}


def papers() -> dict[str, bytes]:
    """{file name: PDF}, the same bytes every time."""
    return {name: scan(title) for name, title in PAPERS.items()}


def packed() -> bytes:
    """All of them in one ZIP."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in papers().items():
            pack.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return out.getvalue()
