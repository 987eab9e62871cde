"""Writes src/text/unicode_ranges.h: where the Unicode tables behind the published tokenizers differ
from those of utf8proc 2.8 (Unicode 15). Needs tokenizers and libutf8proc.

    python tests/golden/text_unicode.py > src/text/unicode_ranges.h
"""
import ctypes

from tokenizers import Regex, normalizers, pre_tokenizers

utf8proc = ctypes.CDLL("libutf8proc.so.2")
NAMES = ("Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co"
         .split())
POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
CATEGORY = {c: NAMES[utf8proc.utf8proc_category(c)] for c in POINTS}


def matched(pattern):
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    return {c for c in POINTS if not split.pre_tokenize_str(chr(c))}


def bert(**changes):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**off, **changes})


def emptied(normalizer):
    return {c for c in POINTS if normalizer.normalize_str(chr(c)) == ""}


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining", ctypes.c_int16)]


utf8proc.utf8proc_get_property.restype = ctypes.POINTER(Property)


def combining_lost():
    """Characters with a combining class by which NFD there does not sort."""
    nfd, lost = normalizers.NFD(), set()
    for c in POINTS:
        combining = utf8proc.utf8proc_get_property(c).contents.combining
        if combining == 0 or len(nfd.normalize_str(chr(c))) > 1 or nfd.normalize_str(chr(c)) != chr(c):
            continue
        # Between a mark above (230) and one below (220) it must move, one way or the other.
        before = nfd.normalize_str("a\u0301" + chr(c)) == "a" + chr(c) + "\u0301" and c != 0x301
        behind = nfd.normalize_str("a" + chr(c) + "\u0316") == "a\u0316" + chr(c) and c != 0x316
        if before != (combining < 230) or behind != (combining > 220):
            lost.add(c)
    return lost - {0x301, 0x316}


def ranges(points):
    found = []
    for c in sorted(points):
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def write(name, comment, points):
    print(f"\n/* {comment} */\nstatic const struct unicode_range {name}[] = {{")
    line = "   "
    for first, last in ranges(points):
        item = f" {{ 0x{first:x}, 0x{last:x} }},"
        if len(line) + len(item) > 100:
            print(line)
            line = "   "
        line += item
    print(line + "\n};")


def main():
    print("/* Written by tests/golden/text_unicode.py: where the tables behind the published tokenizers\n"
          " * differ from those of utf8proc 2.8 (Unicode 15). */\n"
          "#ifndef TEXT_UNICODE_RANGES_H\n#define TEXT_UNICODE_RANGES_H\n\n#include <stdint.h>\n\n"
          "struct unicode_range {\n    uint32_t first, last;\n};")
    for name, letter in (("newer_letters", "L"), ("newer_numbers", "N")):
        write(name, f"\\p{{{letter}}} of Unicode 16 and 17.",
              matched(rf"\p{{{letter}}}") - {c for c in POINTS if CATEGORY[c][0] == letter})
    lower = bert(lowercase=True)
    write("newer_capitals", "Capitals that got their small letter after Unicode 15, or later than "
          "utf8proc says; the\n * small letter follows in newer_smalls.",
          {c for c in POINTS if c != 0x130 and
           lower.normalize_str(chr(c)) != chr(utf8proc.utf8proc_tolower(c))})
    capitals = sorted(c for c in POINTS if c != 0x130 and
                      lower.normalize_str(chr(c)) != chr(utf8proc.utf8proc_tolower(c)))
    print("\n/* The small letters of newer_capitals, one by one. */\n"
          "static const uint32_t newer_smalls[] = {")
    smalls = [ord(lower.normalize_str(chr(c))) for c in capitals]
    for i in range(0, len(smalls), 8):
        print("    " + " ".join(f"0x{c:x}," for c in smalls[i:i + 8]))
    print("};")
    ascii_punctuation = set(range(33, 48)) | set(range(58, 65)) | set(range(91, 97)) | set(range(123, 127))
    bert_split = pre_tokenizers.BertPreTokenizer()
    punctuation = {c for c in POINTS if len(bert_split.pre_tokenize_str("a" + chr(c) + "a")) == 3}
    known = {c for c in POINTS if CATEGORY[c][0] == "P"} | ascii_punctuation
    write("bert_not_punctuation", "Of category P*, but BERT's older table does not split on them.",
          known - punctuation)
    write("bert_punctuation", "Not of category P* any more, but BERT's table splits on them.",
          punctuation - known)
    marks = emptied(bert(strip_accents=True))
    nonspacing = {c for c in POINTS if CATEGORY[c] == "Mn"}
    write("bert_not_mark", "Of category Mn, but BERT's older table keeps them.", nonspacing - marks)
    write("bert_mark", "Not of category Mn any more, but BERT's table strips them.", marks - nonspacing)
    removed = emptied(bert(clean_text=True))
    write("bert_not_format", "Of category Cf, but BERT's older table keeps them.",
          {c for c in POINTS if CATEGORY[c] == "Cf"} - removed)
    write("bert_not_combining", "With a combining class that the older NFD does not know.",
          combining_lost())
    print("\n#endif")


main()
