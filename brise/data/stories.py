"""Little stories: a hero, a place, a wish, a trouble, an end. The hero and the place asked for are kept."""

import random
import re

from .grammar import ask, expand, fill
from .outside import invented
from .talk import Exchange

_HEROES = {
    "fr": "un chat|un chien|un renard|un ours|un lapin|un hérisson|un dragon|un robot|un marin|un berger|un roi|un enfant|un oiseau|un pêcheur|un fantôme|un jardinier|un meunier|un escargot|un hibou|un loup".split("|"),
    "en": "cat|dog|fox|bear|rabbit|hedgehog|dragon|robot|sailor|shepherd|king|child|bird|fisherman|ghost|gardener|miller|snail|owl|wolf".split("|"),
}
_NAMES = "Milo Luna Oscar Nino Zoé Basile Félix Perle Caramel Gaspard Otto Maya Léo Rosie Hugo Nora Tim Plume Barnabé Olive".split()
_PLACES = {
    "fr": "dans une forêt|au bord de la mer|dans un petit village|sur une île|près d'un moulin|au pied d'une montagne|dans une vieille maison|au bord d'une rivière|dans un phare|au milieu d'un champ".split("|"),
    "en": "in a forest|by the sea|in a small village|on an island|near a mill|at the foot of a mountain|in an old house|by a river|in a lighthouse|in the middle of a field".split("|"),
}
_WISHES = {
    "fr": [
        ("voir la neige", "Un matin d'hiver, de gros flocons se mirent à tomber"), ("apprendre à chanter", "Une voix claire sortit enfin de sa gorge"), ("trouver un ami", "Quelqu'un frappa doucement à sa porte"),
        ("traverser le lac", "Le vent poussa sa barque jusqu'à l'autre rive"), ("toucher les étoiles", "La nuit, les étoiles se reflétèrent dans l'eau, tout près"), ("retrouver sa clé", "La clé brillait sous une feuille"),
        ("construire un cerf-volant", "Le cerf-volant monta très haut dans le ciel"), ("voir le monde", "Du haut de la colline, le monde entier s'étendait devant"), ("faire pousser une fleur", "Au printemps, une fleur bleue sortit de terre"),
        ("écouter le vent", "La brise se leva et raconta tout ce qu'elle avait vu"),
    ],
    "en": [
        ("see the snow", "One winter morning, big flakes began to fall"), ("learn to sing", "A clear voice came out at last"), ("find a friend", "Somebody knocked softly at the door"),
        ("cross the lake", "The wind pushed the little boat to the other shore"), ("touch the stars", "At night the stars were mirrored in the water, very close"), ("find a lost key", "The key was shining under a leaf"),
        ("build a kite", "The kite rose very high into the sky"), ("see the world", "From the top of the hill, the whole world lay below"), ("grow a flower", "In spring, a blue flower came out of the ground"),
        ("listen to the wind", "The breeze rose and told of all that it had seen"),
    ],
}  # fmt: skip
_TROUBLES = {
    "fr": "Mais personne n'y croyait.|Mais chaque essai échouait.|Mais la pluie tombait sans cesse.|Mais le chemin était long.|Mais il faisait bien sombre.|Mais il fallait du courage.".split("|"),
    "en": "But nobody believed in it.|But every attempt failed.|But the rain kept falling.|But the way was long.|But it was very dark.|But it took courage.".split("|"),
}
_HELPS = {
    "fr": "Une vieille tortue lui dit : « Patience. »|Une petite brise lui souffla : « Essaie encore. »|Une étoile lui montra la route.|Un voisin lui prêta sa lanterne.|Un papillon l'accompagna.|Alors une idée lui vint.".split("|"),
    "en": "An old turtle said: \"Patience.\"|A little breeze whispered: \"Try again.\"|A star showed the way.|A neighbour lent a lantern.|A butterfly came along.|Then came an idea.".split("|"),
}
_ENDS = {
    "fr": "Et depuis ce jour, <n> sourit chaque matin.|Ce soir-là, <n> s'endormit le cœur léger.|Et <n> ne l'oublia jamais.|Depuis, <n> raconte cette histoire à tout le monde.".split("|"),
    "en": "And since that day, <n> smiles every morning.|That evening, <n> fell asleep with a light heart.|And <n> never forgot it.|Since then, <n> tells this story to everybody.".split("|"),
}
_ASK = {
    "fr": "{Raconte-moi|Raconte|Peux-tu raconter|Invente|Écris|Je voudrais|Dis-moi|Racontez-moi} {une histoire|une petite histoire|un conte|une courte histoire|une histoire pour enfants}<about>{.| !| s'il te plaît.| ?|}",
    "en": "{Tell me|Tell|Can you tell me|Invent|Write|I would like|Make up|Please tell me} {a story|a little story|a tale|a short story|a bedtime story}<about>{.|!| please.|?|}",
}


def story(rng: random.Random, lang: str) -> Exchange:
    hero = rng.choice(_HEROES[lang])
    name = rng.choice(_NAMES) if rng.random() < 0.7 else invented(rng)
    place = rng.choice(_PLACES[lang])
    about, must = _about(rng, lang, hero, name, place)
    wish, luck = rng.choice(_WISHES[lang])
    slots = {"h": hero, "n": name, "p": place, "w": wish, "l": luck, "t": rng.choice(_TROUBLES[lang]), "help": rng.choice(_HELPS[lang])}
    if lang == "fr":
        body = "{Il était une fois|Il y avait une fois}, <p>, <h> qui s'appelait <n>. {Son rêve était de|Son plus grand désir était de} <w>. <t> <help> <l>. "
    else:
        slots["h"] = ("an " if hero[0] in "aeiou" else "a ") + hero
        body = "Once upon a time, <p>, there was <h> called <n>. {The dream of <n> was to|More than anything, <n> wanted to} <w>. <t> <help> <l>. "
    text = fill(expand(rng, body) + " " + rng.choice(_ENDS[lang]), **slots)
    user, key = ask(rng, lang, _ASK[lang], soft=False, about=about)
    text = re.sub(r"\bde ([aéè])", r"d'\1", text) if lang == "fr" else text
    return Exchange(user, " ".join(text.split()), f"{key} {hero} {name}" if about else key, lang, {"must": must, "min_words": 30})


def _about(rng, lang, hero, name, place):
    """What the request fixes, and the words that the story must then contain."""
    kind = rng.randrange(4)
    noun = hero.split()[-1]
    if lang == "fr":
        forms = ["", f" {rng.choice(['sur', 'avec'])} {hero}", f" avec {hero} {rng.choice(['nommé', 'appelé'])} {name}", f" avec {hero} {place}"]
    else:
        a = ("an " if hero[0] in "aeiou" else "a ") + hero
        forms = ["", f" {rng.choice(['about', 'with'])} {a}", f" about {a} {rng.choice(['named', 'called'])} {name}", f" about {a} {place}"]
    must = [[], [noun], [noun, name], [noun, place]][kind]
    return forms[kind], must
