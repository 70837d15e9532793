"""What clients were told is there, held against what is."""

from typing import NamedTuple


class Ack(NamedTuple):
    """Of one event that was acknowledged. When it was sent and answered, by any one clock."""
    sent: float
    answered: float
    room: str
    sender: str
    counter: int
    event_id: str


def check_timeline(test, events, acks):
    """All of them are in the room's timeline, once, in an order that the senders can have seen; no transaction made two
    events. `events`: those with a counter, oldest first. Returns what was made, as sender and counter."""
    place = {event["event_id"]: i for i, event in enumerate(events)}
    test.assertEqual(len(events), len(place), "an event is there twice")
    for ack in acks:
        test.assertIn(ack.event_id, place, f"lost: {ack.sender}'s event {ack.counter}")
        event = events[place[ack.event_id]]
        test.assertEqual((event["sender"], event["content"]["gims.counter"]), (ack.sender, ack.counter))
    made = [(event["sender"], event["content"]["gims.counter"]) for event in events]
    test.assertEqual(len(made), len(set(made)), "a repeated transaction made a second event")

    # What was acknowledged before another was sent stands before it.
    by_answer = sorted(acks, key=lambda ack: ack.answered)
    furthest, i = -1, 0
    for ack in sorted(acks, key=lambda ack: ack.sent):
        while i < len(by_answer) and by_answer[i].answered < ack.sent:
            furthest = max(furthest, place[by_answer[i].event_id])
            i += 1
        test.assertGreater(place[ack.event_id], furthest, "the order was not kept")
    return set(made)


def counted(events):
    """Those of a timeline that matrix_api.encrypted() made."""
    return [event for event in events if event["type"] == "m.room.encrypted"]
