"""Writes the newest figures into docs/performance.md, between two markers: each table with its commit, date and machine, and what
was noisy."""

import json

import benchgrowth
import benchrows
import supervise

BEGIN, END = "<!-- figures: begin (written by scripts/bench document) -->", "<!-- figures: end -->"


def of(found):
    """Of what, when and where."""
    machine = found["machine"]
    return (f"Commit {found['commit']}, {found['date'][:10]}; {machine['processors']} processors ({machine['processor']}), "
            f"{machine['memory_gb']:g} GB, Linux {machine['kernel']}.")


def cells(*values):
    return "| " + " | ".join(str(value).replace("|", "\\|") for value in values) + " |"


def table(head, rows):
    return "\n".join([cells(*head), cells(*("---" for _ in head)), *(cells(*row) for row in rows)])


def judged_rows(rows):
    return table(("figure", "measured", "reach", "beyond", "", "noisy"),
                 [(row["title"], row["shown"], row["reach"], row["beyond"], benchrows.MARKS[row["judged"]], row["noise"]) for row in rows])


def growth_rows(head, rows):
    sizes = [f"{point['size']:,}" for point in rows[0]["points"]]
    return table((head, *sizes, "last/first", ""), [
        (row["title"], *(benchgrowth.shown(row, point).replace("*", "\\*") for point in row["points"]),
         "" if row["ratio"] is None else f"{row['ratio']:.2f}", row["verdict"]) for row in rows])


def profile_rows(found):
    every = [("layer", found["layers"]), ("system call", found["system_calls"]), ("thread", found["threads"])]
    return "\n\n".join(table((head, "µs", "part"), [(one["name"], f"{one['us']:.1f}", f"{one['part']:.1%}") for one in parts if one["part"] >= 0.005])
                       for head, parts in every if parts)


def block(out):
    """All that is in the folder, as Markdown."""
    read = lambda name: json.loads((out / name).read_text()) if (out / name).exists() else {}
    bench, parts, profiles = read("bench.json"), read("bench-full.json").get("parts", {}), read("profile.json").get("profiles", {})
    if not (bench or parts or profiles):
        raise supervise.Failed(f"{out} has no figures; make bench, bench-full and bench-profile measure them")
    every = [bench] * bool(bench) + [*parts.values(), *profiles.values()]
    if any(found["smoke"] for found in every):
        raise supervise.Failed(f"{out} has figures of a smoke run, which say nothing")
    text = []
    if bench:
        text += ["### make bench", f"{of(bench)} {'TLS' if bench['tls'] else 'Plain HTTP'}, {bench['stored']:,} messages stored.", judged_rows(bench["rows"])]
        text += ["Custody, with a software TPM:", table(("figure", "measured", "noisy"), [
            (row["title"], row["shown"], row["noise"]) for row in bench["custody"]])]
    for name, found in parts.items():
        text += [f"### make bench-full: {name}", of(found)]
        text += [judged_rows(found["rows"])]
        text += [growth_rows(head, rows) for head, rows in found.get("tables", {}).items()]
        text += [f"{benchgrowth.RULE}.".replace("*:", "\\*:")] if "tables" in found else []
        text += [f"{note}." for note in found.get("notes", ())]
    for name, found in profiles.items():
        text += [f"### make bench-profile: {name}", f"{of(found)} {found['us']:.0f} µs (`{found['figure']}`), {found['samples']:,} samples.",
                 profile_rows(found)]
    return "\n\n".join(text)


def write(out, document):
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise supervise.Failed(f"{document} has no place for figures: {BEGIN} ... {END}")
    document.write_text(f"{before}{BEGIN}\n\n{block(out)}\n\n{END}{after}", encoding="utf-8")
