"""Conversations with tools: one call, several, none, and answers that use what a tool returned."""

import random

from . import chat, outside, sums, toolbox, world
from .grammar import ask, normal
from .talk import Talk
from .toolbox import Need, name_of

_POLITE = {
    "fr": "{<s> ?|{Peux-tu me dire|Dis-moi|S'il te plaît,|Bonjour,|Svp,} <s> ?|<s>|<s>, s'il te plaît.|<s>, merci.}",
    "en": "{<s>?|{Can you tell me:|Tell me,|Please,|Hello,|Hey,} <s>?|<s>|<s>, please.|<s>, thanks.}",
}


def tool_one(rng: random.Random, lang: str) -> Talk:
    """One call; half of the conversations go on with the result and the answer."""
    need = toolbox.need(rng, lang)
    user, key = _request(rng, lang, need.said)
    messages = [_user(user), _calls([need])]
    tools = _offered(rng, lang, [need])
    check = {"calls": messages[1]["tool_calls"], "lang": None}
    if rng.random() < 0.55:
        messages += [_tool(need.result), {"role": "assistant", "content": need.answer}]
        return Talk("tool_answer", lang, messages, [key, normal(need.result + need.answer)], {"must": need.must, "lang": None}, tools)
    return Talk("tool_one", lang, messages, [key], check, tools)


def tool_many(rng: random.Random, lang: str) -> Talk:
    """Two or three calls at once: the same tool for several things, or different tools."""
    count = rng.choice([2, 2, 2, 3])
    if rng.random() < 0.5:
        family = rng.choice([toolbox.weather, toolbox.clock, toolbox.stock, toolbox.made_up, toolbox.search, toolbox.calculator])
        first = family(rng, lang)
        needs, tools = [first], [first.tool]
        while len(needs) < count:
            other = _same_tool(rng, lang, family, first)
            if other.arguments not in [n.arguments for n in needs]:
                needs.append(other)
    else:
        needs = _different(rng, lang, count)
        tools = [n.tool for n in needs]
    joint = {"fr": [" et ", " puis ", ", et aussi "], "en": [" and ", " then ", ", and also "]}[lang]
    said = ", ".join(n.said for n in needs[:-1]) + rng.choice(joint) + needs[-1].said
    user, key = _request(rng, lang, said)
    messages = [_user(user), _calls(needs)]
    offered = _offered(rng, lang, needs, tools)
    if rng.random() < 0.4:
        messages += [_tool(n.result) for n in needs]
        messages.append({"role": "assistant", "content": " ".join(_sentence(n.answer) for n in needs)})
        must = [m for n in needs for m in n.must]
        return Talk("tool_answer", lang, messages, [key], {"must": must, "lang": None}, offered)
    return Talk("tool_many", lang, messages, [key], {"calls": messages[1]["tool_calls"], "lang": None}, offered)


def tool_none(rng: random.Random, lang: str) -> Talk:
    """Tools are offered and none is wanted: plain answers stay plain, what lies outside is still refused."""
    if rng.random() < 0.45:
        return _none_fits(rng, lang)
    makers = [chat.smalltalk, chat.identity, world.capital, world.calendar, sums.arithmetic, chat.usage, outside.refusal, chat.privacy]
    exchange = rng.choice(makers)(rng, lang)
    needs = [toolbox.need(rng, lang) for _ in range(rng.randint(1, 3))]
    tools = _unlike(needs, {"search"} | ({"calculator"} if "+" in exchange.user else set()), exchange)
    if not tools:
        tools = [toolbox.made_up(rng, lang).tool]
    messages = [_user(exchange.user), {"role": "assistant", "content": exchange.answer}]
    return Talk("tool_none", exchange.lang, messages, [exchange.key], {"lang": exchange.lang, **exchange.check, "no_call": True}, tools)


_NONE_FITS = {"fr": "Aucun des outils proposés ne permet de faire cela.", "en": "None of the tools offered can do that."}
_CANNOT_ACT = {
    "fr": "Je ne peux pas le faire : ici, je n'ai aucun outil pour agir hors de cette conversation.",
    "en": "I cannot do that: here I have no tool to act outside this conversation.",
}


def _none_fits(rng, lang):
    """The request is one for a tool, but not for any of those offered."""
    wanted = rng.choice([toolbox.email, toolbox.reminder, toolbox.made_up, toolbox.made_up, toolbox.made_up, toolbox.stock, toolbox.clock, toolbox.weather])(rng, lang)
    others = [n.tool for n in _different(rng, lang, rng.randint(1, 3)) if _family(n.tool) not in (_family(wanted.tool), "search")]
    if not others:
        return _none_fits(rng, lang)
    user, key = _request(rng, lang, wanted.said)
    answer = _NONE_FITS[lang]
    check = {"exact": answer, "lang": lang, "no_call": True}
    return Talk("tool_none", lang, [_user(user), {"role": "assistant", "content": answer}], [key], check, others)


def cannot_act(rng: random.Random, lang: str) -> Talk:
    """The same kind of request with no tool at all."""
    need = rng.choice([toolbox.email, toolbox.reminder, toolbox.made_up])(rng, lang)
    user, key = _request(rng, lang, need.said)
    return Talk("refusal", lang, [_user(user), {"role": "assistant", "content": _CANNOT_ACT[lang]}], [key], {"lang": lang, "refusal": "act"})


def calculator_call(rng: random.Random, lang: str) -> Talk:
    """A sum beyond what is known by heart, with a calculator on offer."""
    user, key, a, op, b = sums.large_question(rng, lang)
    need = toolbox.calculator(rng, lang, (a, op, b))
    messages = [_user(user), _calls([need])]
    tools = _offered(rng, lang, [need])
    if rng.random() < 0.5:
        messages += [_tool(need.result), {"role": "assistant", "content": need.answer}]
        return Talk("tool_answer", lang, messages, [key], {"must": need.must, "lang": None}, tools)
    return Talk("calculator", lang, messages, [key], {"calls": messages[1]["tool_calls"], "lang": None}, tools)


def _request(rng, lang, said):
    user, _ = ask(rng, lang, _POLITE[lang], soft=False, s=said)
    if rng.random() < 0.5:
        user = user[:1].upper() + user[1:]
    if lang == "en":
        user = user.replace("Tell me, ", "").replace("Can you tell me: ", "Hi, ")
    return user, "tool " + normal(said)


def _offered(rng, lang, needs, tools=None):
    """The tools needed, in any order, among up to three that are not."""
    tools = list(tools or [n.tool for n in needs])
    wanted = {_family(t) for t in tools}
    for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
        other = toolbox.need(rng, lang).tool
        if _family(other) not in wanted:
            wanted.add(_family(other))
            tools.append(other)
    rng.shuffle(tools)
    return tools


def _family(tool):
    """Tools of one family are never offered together: nobody could choose between them."""
    name = name_of(tool)
    for family, marks in _MARKS.items():
        if any(m in name for m in marks):
            return family
    return name


_MARKS = {
    "weather": ("weather", "meteo"), "calculator": ("calc", "compute", "evaluate"), "clock": ("time", "clock", "heure"), "stock": ("stock", "quote", "cours_action", "lookup_price"),
    "email": ("mail", "send_message"), "reminder": ("remind", "rappel", "alarm"), "convert": ("currency", "exchange", "devise"), "search": ("search", "lookup", "rechercher", "find_documents"),
}  # fmt: skip


def _unlike(needs, families, exchange):
    """Offered tools that could not have served: no weather tool beside a question on the weather."""
    barred = set(families)
    if exchange.check.get("refusal") == "fresh" or "`date`" in str(exchange.answer):
        barred |= {"weather", "stock", "clock", "search", "convert"}
    tools, seen = [], set()
    for need in needs:
        family = _family(need.tool)
        if family not in barred and family not in seen and not (family == "calculator" and exchange.check.get("last_number") is not None):
            seen.add(family)
            tools.append(need.tool)
    return tools


def _same_tool(rng, lang, family, first: Need) -> Need:
    """Another need of the very same tool."""
    for _ in range(400):
        other = family(rng, lang)
        if family is toolbox.made_up:
            if name_of(other.tool) == name_of(first.tool) and list(other.arguments) == list(first.arguments):
                return other
            other = _renumbered(rng, first)
            if other:
                return other
            continue
        return Need(first.tool, other.said, dict(zip(first.arguments, other.arguments.values())), other.result, other.answer, other.must)
    return first


def _renumbered(rng, first: Need):
    (key, value), = first.arguments.items()
    if not isinstance(value, int):
        fresh = outside.invented(rng)
    else:
        fresh = rng.randint(1, 99999)
    return Need(first.tool, first.said.replace(str(value), str(fresh)), {key: fresh}, first.result, first.answer.replace(str(value), str(fresh)), [str(fresh)])


def _different(rng, lang, count):
    needs, seen = [], set()
    while len(needs) < count:
        need = toolbox.need(rng, lang)
        if _family(need.tool) not in seen:
            seen.add(_family(need.tool))
            needs.append(need)
    return needs


def _user(text):
    return {"role": "user", "content": text}


def _tool(text):
    return {"role": "tool", "content": text}


def _calls(needs):
    return {"role": "assistant", "content": "", "tool_calls": [{"name": name_of(n.tool), "arguments": n.arguments} for n in needs]}


def _sentence(text):
    return text if text.endswith(".") else text + "."
