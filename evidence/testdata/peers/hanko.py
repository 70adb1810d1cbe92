"""Asks pyHanko about signatures.

Each line of stdin is ROOT.pem MOMENT FILE [DETACHED]; for each signature of the file comes a line: whether it is intact, valid
and trusted. Nothing is asked of any network.
"""

import asyncio
import datetime
import logging
import sys

from asn1crypto import cms
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_detached_cms, async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

logging.disable(logging.CRITICAL)  # it logs a traceback where a chain is not valid


async def ask(root, moment, name, content=None):
    context = ValidationContext(
        trust_roots=[load_cert_from_pemder(root)],
        moment=datetime.datetime.fromisoformat(moment.replace("Z", "+00:00")),
        allow_fetching=False,
    )
    with open(name, "rb") as file:
        if content is None:
            return [await async_validate_pdf_signature(s, context) for s in PdfFileReader(file).embedded_signatures]
        signed = cms.ContentInfo.load(file.read())["content"]
        with open(content, "rb") as detached:
            return [await async_validate_detached_cms(detached, signed, signer_validation_context=context)]


for task in sys.stdin:
    for s in asyncio.run(ask(*task.split())):
        print(f"intact={s.intact} valid={s.valid} trusted={s.trusted}")
