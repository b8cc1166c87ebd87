"""The configured data sets, each on a small file of its publisher's form."""

import gzip
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from seqrec.parameters.raw_sections import RawOptions
from seqrec.parameters.section_checks import check_section
from seqrec.parameters.sections import IngestionOptions
from seqrec.preparation.ingestion import read_log
from seqrec.preparation.raw_files import find_raw_file
from seqrec.preparation.titles import read_titles
from tests.readers.logs import frame

FOLDER = Path(__file__).parents[2] / "conf/base/parameters/datasets"
Triples = list[tuple[str, str, int]]


def options_of(name: str) -> tuple[RawOptions, IngestionOptions]:
    block = yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))[name]
    raw: Any = check_section("raw", block["raw"])
    ingestion: Any = check_section("ingestion", block.get("ingestion", {}))
    return raw, ingestion


def seconds(text: str) -> int:
    return int(pd.Timestamp(text).timestamp())  # without a zone, UTC


CASES: list[tuple[str, str, str, str | None, Triples]] = [
    (
        "retailrocket",
        "events.csv",
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433224214164,992329,transaction,248676,4000\n",
        None,
        [("257597", "355908", 1433221332117), ("992329", "248676", 1433224214164)],
    ),
    (
        "taobao",
        "UserBehavior.csv.zip",
        "1,2268318,2520377,pv,1511544070\n1,2333346,2520771,buy,1511561733\n",
        "UserBehavior.csv",
        [("1", "2268318", 1511544070), ("1", "2333346", 1511561733)],
    ),
    (
        "yoochoose-clicks",
        "yoochoose-clicks.dat",
        "1,2014-04-07T10:51:09.277Z,214536502,0\n1,2014-04-07T10:54:09.868Z,214536500,S\n",
        None,
        [
            ("1", "214536502", seconds("2014-04-07T10:51:09Z") * 1000 + 277),
            ("1", "214536500", seconds("2014-04-07T10:54:09Z") * 1000 + 868),
        ],
    ),
    (
        "diginetica-views",
        "train-item-views.csv",
        "sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n"
        "1;NA;31331;1031018;2016-05-09\n",
        None,
        [("1", "81766", seconds("2016-05-09")), ("1", "31331", seconds("2016-05-09"))],
    ),
    (
        "gowalla",
        "loc-gowalla_totalCheckins.txt.gz",
        "0\t2010-10-19T23:55:27Z\t30.2359091167\t-97.7951395833\t22847\n"
        "0\t2010-10-18T22:17:43Z\t30.2691029532\t-97.7493953705\t420315\n",
        None,
        [
            ("0", "22847", seconds("2010-10-19T23:55:27Z")),
            ("0", "420315", seconds("2010-10-18T22:17:43Z")),
        ],
    ),
    (
        "lastfm-1k",
        "lastfm-dataset-1K.tar.gz",
        "user_000001\t2009-05-04T23:08:57Z\tf1b1cf71-bd35\tDeep Dish\t\tFuck Me (Live)\n"
        'user_000001\t2009-05-04T13:54:10Z\ta7f7df4a-77d8\t坂本"龍一\t\tComposition 0919\n',
        "lastfm-dataset-1K/userid-timestamp-artid-artname-traid-traname.tsv",
        [
            ("user_000001", "f1b1cf71-bd35", seconds("2009-05-04T23:08:57Z")),
            ("user_000001", "a7f7df4a-77d8", seconds("2009-05-04T13:54:10Z")),
        ],
    ),
    (
        "book-crossing",
        "BX-CSV-Dump.zip",
        '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n"276726";"0155061224";"5"\n',
        "BX-Book-Ratings.csv",
        [("276725", "034545104X", 2), ("276726", "0155061224", 3)],
    ),
    (
        "mind-small",
        "MINDsmall_train.zip",
        "1\tU13740\t11/11/2019 9:05:58 AM\tN55189 N42782\tN55689-1 N35729-0\n"
        "2\tU91836\t11/12/2019 6:11:30 PM\t\tN20678-0\n",
        "behaviors.tsv",
        [("U13740", "N55189", 0), ("U13740", "N42782", 1)],
    ),
    (
        "goodreads-poetry",
        "goodreads_interactions_poetry.json.gz",
        '{"user_id": "8842", "book_id": "1384", "review_id": "1bad", "is_read": true, "rating": 4, '
        '"review_text_incomplete": "", "date_added": "Wed May 09 09:33:44 -0700 2007", '
        '"date_updated": "Wed May 09 09:33:44 -0700 2007", "read_at": "", "started_at": ""}\n',
        None,
        [("8842", "1384", seconds("2007-05-09T16:33:44Z"))],
    ),
    (
        "steam",
        "steam_reviews.json.gz",
        "{u'username': u'Chaos Syren', u'hours': 0.1, u'products': 41, u'product_id': u'725280', "
        "u'page_order': 0, u'date': u'2017-12-17', u'text': u'This would', u'page': 1}\n",
        None,
        [("Chaos Syren", "725280", seconds("2017-12-17"))],
    ),
    (
        "amazon-2023-all-beauty",
        "All_Beauty.jsonl.gz",
        '{"rating": 5.0, "title": "Such", "text": "This", "images": [], "asin": "B00YQ6X8EO", '
        '"parent_asin": "B00YQ6X8EP", "user_id": "AGKH", "timestamp": 1588687728923, '
        '"helpful_vote": 0, "verified_purchase": true}\n',
        None,
        [("AGKH", "B00YQ6X8EP", 1588687728923)],
    ),
]


def write(path: Path, text: str, member: str | None) -> None:
    """The file as its publisher packs it."""
    data = text.encode()
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(str(member), data)
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path, "w:gz") as tar:
            entry = tarfile.TarInfo(str(member))
            entry.size = len(data)
            tar.addfile(entry, BytesIO(data))
    else:
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.mark.parametrize(("name", "file", "text", "member", "expected"), CASES)
def test_a_file_of_its_form(
    tmp_path: Path, name: str, file: str, text: str, member: str | None, expected: Triples
) -> None:
    raw, ingestion = options_of(name)
    write(tmp_path / file, text, member)

    log = read_log(find_raw_file(name, raw, tmp_path), ingestion, tmp_path / "work")

    table = frame(log)[["user_id", "item_id", "timestamp"]]
    assert list(table.itertuples(index=False, name=None)) == expected
    assert raw.publisher is not None
    assert raw.publisher.terms


@pytest.mark.parametrize(
    ("name", "file", "text", "member", "expected"),
    [
        (
            "book-crossing",
            "BX-CSV-Dump.zip",
            '"ISBN";"Book-Title";"Book-Author"\n"034545104X";"Flesh Tones: A Novel";"M. J. Rose"\n',
            "BX-Books.csv",
            {"034545104X": "Flesh Tones: A Novel"},
        ),
        (
            "mind-small",
            "news.tsv",
            "N55528\tlifestyle\troyals\tThe Brands Queen Swears By\tShop\thttps://x\t[]\t[]\n",
            None,
            {"N55528": "The Brands Queen Swears By"},
        ),
        (
            "steam",
            "steam_games.json.gz",
            "{u'publisher': u'Kotoshiro', u'app_name': u'Lost Summoner Kitty', u'id': u'761140'}\n"
            "{u'app_name': u'No id'}\n",
            None,
            {"761140": "Lost Summoner Kitty"},
        ),
        (
            "amazon-2023-all-beauty",
            "meta_All_Beauty.jsonl.gz",
            '{"main_category": "Beauty", "title": "Howard LC0008", "parent_asin": "B01CUPMQZE"}\n',
            None,
            {"B01CUPMQZE": "Howard LC0008"},
        ),
        (
            "amazon-2014-beauty",
            "meta_Beauty.json.gz",
            "{'asin': '0205616461', 'description': \"Bio's\", 'title': 'Bio-active Cream'}\n",
            None,
            {"0205616461": "Bio-active Cream"},
        ),
        (
            "yelp-2019",
            "yelp_academic_dataset_business.json",
            '{"business_id": "Pns2l4", "name": "Abby Rappoport, LAC, CMQ", "stars": 5.0}\n',
            None,
            {"Pns2l4": "Abby Rappoport, LAC, CMQ"},
        ),
        (
            "hetrec2011-lastfm-2k",
            "artists.dat",
            "id\tname\turl\tpictureURL\n1\tMALICE MIZER\thttp://x\thttp://y\n",
            None,
            {"1": "MALICE MIZER"},
        ),
    ],
)
def test_titles_from_the_logs_own_side_file(
    tmp_path: Path, name: str, file: str, text: str, member: str | None, expected: dict[str, str]
) -> None:
    write(tmp_path / file, text, member)

    titles = read_titles(options_of(name)[0], tmp_path)

    assert dict(zip(*titles.to_pydict().values(), strict=True)) == expected
