"""What lies outside: questions of every kind that Brise must not pretend to answer, and what it says instead.

The variety is made by crossing forms with topics, with names that exist nowhere, and with other languages, so that
the refusal hangs on the form of the question and not on a list of subjects.
"""

import random

from .facts import COUNTRIES
from .grammar import ask, fill
from .talk import Exchange

_LARGER = "`tramontane pull ministral-3:3b`"
_SAY = {
    "know": {
        "fr": f"Je ne sais pas : je suis un tout petit modèle. Un plus grand saura mieux répondre : {_LARGER}",
        "en": f"I don't know: I am a very small model. A larger one will answer better: {_LARGER}",
    },
    "make": {
        "fr": f"C'est au-delà de mes forces : je suis un tout petit modèle. Un plus grand le fera bien mieux : {_LARGER}",
        "en": f"That is beyond me: I am a very small model. A larger one will do it much better: {_LARGER}",
    },
    "fresh": {
        "fr": "Je n'ai pas accès à Internet : je ne connais ni la météo, ni l'actualité, ni les prix du moment.",
        "en": "I have no Internet access: I know neither the weather, nor the news, nor current prices.",
    },
    "care": {
        "fr": f"Je suis trop petit pour donner un conseil sérieux : parlez-en à un professionnel. Pour en discuter, un plus grand modèle : {_LARGER}",
        "en": f"I am too small to give serious advice: please ask a professional. To talk it over, a larger model: {_LARGER}",
    },
}
_FOREIGN = f"Je parle seulement français et anglais. / I only speak French and English. Pour d'autres langues, for other languages: {_LARGER}"

_SYLLABLES = "ba be bi bo bra ca car co cra da de do dra el en fa fe fi flo ga ge gra ha hel i ja jo ka kel ki la le li lo lu ma mar me mi mo na ne ni no o or pa pe pi pra qui ra re ri ro sa se si so sta ta te ti to tra u va ve vi vo wa xi ya za zo".split()
_ONSETS = "b bl br c ch cl cr d dr f fl fr g gl gr h j k kl l m n p ph pl pr qu r s sc sh sl sp st t th tr v w x y z".split()
_VOWELS = "a a ai au e e ea ee ei eu i i ia ie o o oa oi oo ou u y é".split()
_CODAS = ["", "", "", "", *"b ck d ff g l ld lm ll m n nd ng nt p r rd rn rt s ss st t th x z".split()]
_FIRST = "Marie Jean Pierre Anne Lucas Chloé Hugo Alice Robert Susan Peter Laura Henry Grace Victor Nora Arthur Rosa Albert Ada Simon Irène Walter Edith Karl Olga Ivan Mei Kenji Fatima Ahmed Carlos Lucia".split()
_TOPICS = {
    "fr": "la photosynthèse|la relativité|les trous noirs|la Révolution française|la Première Guerre mondiale|l'inflation|la blockchain|les volcans|le système immunitaire|les dinosaures|la mécanique quantique|la démocratie|les impôts|le marketing|la philosophie de Kant|le stoïcisme|la peinture impressionniste|le jazz|la musique baroque|les abeilles|les requins|le cycle de l'eau|l'ADN|les vaccins|la gravité|le Moyen Âge|l'Empire romain|l'Égypte ancienne|les Vikings|la Renaissance|les réseaux de neurones|l'intelligence artificielle|les bases de données|le langage Rust|Python|JavaScript|la programmation fonctionnelle|les moteurs électriques|l'énergie nucléaire|les panneaux solaires|le changement climatique|la biodiversité|les océans|la lune|Mars|les comètes|le football|le tennis|les échecs|le Tour de France|les Jeux olympiques|la cuisine italienne|le vin|le fromage|la boulangerie|le jardinage|les orchidées|les chats|les chiens|la psychologie|le sommeil|la méditation|le yoga|la nutrition|l'architecture gothique|le théâtre de Molière|la poésie|le roman policier|le cinéma muet|la bande dessinée|la mode|l'économie|la bourse|les cryptomonnaies|l'immobilier|le droit du travail|les contrats|la Constitution|l'Union européenne|l'ONU|les élections|la grammaire latine|l'étymologie|la linguistique|les mathématiques|les nombres premiers|la géométrie|les équations différentielles|la statistique|la chimie organique|le tableau périodique|les métaux|les cristaux|le béton|les ponts|les avions|les trains|les voitures|les bateaux|la plongée|l'alpinisme|la randonnée|les cartes|les boussoles|l'horlogerie|le tricot|la poterie|la photographie|la typographie|les robots|les satellites|la 5G|les mots de passe|le chiffrement|Linux|le noyau|les compilateurs|le cloud|Docker|Kubernetes|le protocole TCP|le DNS",
    "en": "photosynthesis|relativity|black holes|the French Revolution|World War I|inflation|blockchain|volcanoes|the immune system|dinosaurs|quantum mechanics|democracy|taxes|marketing|Kant's philosophy|stoicism|impressionist painting|jazz|baroque music|bees|sharks|the water cycle|DNA|vaccines|gravity|the Middle Ages|the Roman Empire|ancient Egypt|the Vikings|the Renaissance|neural networks|artificial intelligence|databases|the Rust language|Python|JavaScript|functional programming|electric motors|nuclear energy|solar panels|climate change|biodiversity|the oceans|the moon|Mars|comets|football|tennis|chess|the Tour de France|the Olympic Games|Italian cooking|wine|cheese|baking|gardening|orchids|cats|dogs|psychology|sleep|meditation|yoga|nutrition|gothic architecture|Shakespeare's plays|poetry|detective novels|silent films|comics|fashion|economics|the stock market|cryptocurrency|real estate|labour law|contracts|the constitution|the European Union|the United Nations|elections|Latin grammar|etymology|linguistics|mathematics|prime numbers|geometry|differential equations|statistics|organic chemistry|the periodic table|metals|crystals|concrete|bridges|aeroplanes|trains|cars|boats|diving|mountaineering|hiking|maps|compasses|watchmaking|knitting|pottery|photography|typography|robots|satellites|5G|passwords|encryption|Linux|the kernel|compilers|the cloud|Docker|Kubernetes|the TCP protocol|DNS",
}
_TOPICS = {lang: text.split("|") for lang, text in _TOPICS.items()}

_FORMS = {
    "fr": [
        ("know", "{Explique-moi|Peux-tu m'expliquer|Expliquez|Parle-moi de|Que sais-tu sur|Dis-moi tout sur|Qu'est-ce que c'est,|Raconte-moi l'histoire de|Résume|Fais-moi un cours sur|C'est quoi,} <topic>{ ?|.}"),
        ("know", "{Comment fonctionne|Comment marche|À quoi sert|Pourquoi étudie-t-on|Qui a inventé|Qui a découvert|Quand est apparu|Quelle est l'origine de|D'où vient} <topic> ?"),
        ("know", "{Quels sont les avantages de|Quels sont les dangers de|Quelle est l'importance de|Quelle est la différence entre <topic2> et|Quel est le rapport entre <topic2> et|Quels livres parlent de|Quel est le meilleur livre sur|Que penses-tu de} <topic> ?"),
        ("know", "{Qui est|Qui était|Connais-tu|Parle-moi de|Que sais-tu de|Quand est {né|mort}|Qu'a fait|Quelle est la biographie de|Quel est le métier de|Où est {né|mort}|Quel âge a} <person> ?"),
        ("know", "{Qui a {gagné|remporté|perdu} {la coupe|le championnat|le tournoi|la course|l'élection|la bataille} de <place> en <year>|Que s'est-il passé à <place> en <year>|Qui dirigeait <place> en <year>|Combien de morts à la bataille de <place>} ?"),
        ("know", "{Quelle est la population|Combien y a-t-il d'habitants|Quelle est la superficie|Quel est le président|Qui est le roi|Quelle est la monnaie|Quelle est l'histoire|Quel est le plat national|Quel est l'hymne|Quel est le PIB|Quel est le plus haut sommet|Quelle est la plus grande rivière|Quels sont les pays voisins|Quel est le drapeau|Quelle est la religion} <country_of> ?"),
        ("know", "{Quelle est la capitale|C'est quoi la capitale|Capitale|Où se trouve la capitale} {de la province|de la région|du royaume|de l'empire|de l'île} de <place> ?"),
        ("know", "{Quelle est la capitale de|Où se trouve|Où est|Sur quel continent est|Quelle langue parle-t-on à|Combien d'habitants à} <place> ?"),
        ("know", "{Quel film a|Quelle chanson a|Qui joue dans|Qui a réalisé|Qui a écrit|Qui chante|De quoi parle|Quand est sorti} {le film|le livre|la série|l'album|la chanson|le jeu} « <title> » ?"),
        ("know", "{Combien {de kilomètres entre <place> et <place2>|d'étoiles dans le ciel|d'os dans le corps humain|de {pattes|yeux} a {une araignée|une fourmi|un crabe}|de dents a {un requin|un chat|un loup}}|Quelle est la distance entre <place> et <place2>|À quelle vitesse {court|va|nage} {un guépard|un lièvre|une tortue|un cheval|un lion|un requin}|Quelle est la masse de la Terre|Quelle est la vitesse de la lumière|Pourquoi le ciel est-il bleu|Pourquoi la mer est-elle salée|Qui a peint la Joconde|Qui a écrit Les Misérables|Quel est le sens de la vie|Dieu existe-t-il|Y a-t-il de la vie sur Mars|Quel est le plus grand animal|Combien pèse un éléphant} ?"),
        ("know", "{Que signifie|Que veut dire|Définis|Donne la définition de|Quelle est la définition de|Quel est le synonyme de|Quel est le contraire de|Quelle est l'étymologie de|Comment conjugue-t-on|Comment prononce-t-on} {le mot |le verbe |}« <word> »{ ?|.}"),
        ("make", "{Écris|Rédige|Peux-tu écrire|Écris-moi|Compose|Fais|Prépare|Génère|Invente} {un essai|une dissertation|un article|un discours|une lettre de motivation|un poème|un sonnet|un haïku|un rap|une chanson|un roman|un scénario|un rapport|un résumé|un e-mail|un CV|un plan|un quiz|une présentation|une publicité|un communiqué|un tweet} {sur|à propos de|au sujet de} <topic>{.| s'il te plaît.| ?}"),
        ("make", "{Écris|Code|Programme|Développe|Peux-tu coder|Donne-moi|Fais-moi} {un programme|une fonction|un script|une classe|un jeu|une application|un site web|un algorithme|une API|des tests} en {Python|Java|Rust|C|C++|Go|JavaScript|TypeScript|PHP|Ruby|Haskell|SQL|HTML} {pour|qui sert à|capable de} {<task>|trier une liste|lire un fichier CSV|calculer une factorielle|jouer au morpion|envoyer un e-mail|télécharger une page|analyser du texte|gérer des utilisateurs|dessiner un graphique|chiffrer un message|parcourir un graphe|inverser une chaîne}{.| ?|}"),
        ("make", "{{Écris|Écris-moi|Code|Programme|Peux-tu écrire|Peux-tu coder|Sais-tu écrire|Donne-moi|Fais-moi|Crée|Il me faut|Je voudrais} {un programme|une fonction|un script|un bout de code|un algorithme|une application|un petit jeu|du code}{ en <code>|||} {qui <does>|pour <do>}|Comment <do> en <code>}{.| ?}"),
        ("make", "{Corrige|Explique|Optimise|Débogue|Réécris|Commente|Analyse} {ce code|mon code|cette fonction|ce programme|cette classe|cette requête} {Python|Java|Rust|C++|SQL|JavaScript|Go} : {def <word>(x): return x|class <word>|fn <word>()|SELECT * FROM <word>|for i in range(10): print(i)|int main()|let <word> = 3;}"),
        ("make", "{Résous|Peux-tu résoudre|Calcule|Démontre|Trouve} {l'équation|l'intégrale de|la dérivée de|la limite de|le système} {x² + <n>x = <m>|sin(x) + <n>|x^<n> - <m>|<n>x + <m>y = 7|ln(x) / <n>|e^(<n>x)}{.| ?}"),
        ("know", "{Quelle est la racine carrée de|Quel est le logarithme de|Quels sont les diviseurs de|Quelle est la factorielle de|Quel est le cosinus de|Quelle est la racine cubique de} <n> ?"),
        ("make", "{Traduis|Peux-tu traduire|Comment dit-on|Traduisez} « <phrase> » en {allemand|espagnol|italien|chinois|japonais|arabe|russe|portugais|latin|grec|néerlandais|breton|coréen|turc|polonais}{ ?|.}"),
        ("make", "{Planifie|Organise|Prépare|Propose} {un voyage|un week-end|des vacances|un itinéraire|un séjour} {à|pour aller à|de <n> jours à} <place>{.| ?}"),
        ("make", "{Donne-moi une recette|Quelle est la recette|Comment cuisiner|Comment préparer|Comment fait-on} {de la ratatouille|du pain|d'un gâteau au chocolat|de crêpes|une quiche|des pâtes|un risotto|une soupe|des sushis|un curry|de mayonnaise|du couscous|une tarte} {pour <n> personnes|} ?"),
        ("know", "{Quel est le meilleur|Recommande-moi|Conseille-moi|Quel est ton|Suggère-moi|Connais-tu} {un film|un livre|un restaurant à <place>|un ordinateur|un téléphone|une voiture|un jeu vidéo|un album|un musée à <place>|une série|un hôtel à <place>|un vélo|un appareil photo} ?"),
        ("fresh", "{Quel temps {fait-il|fera-t-il}|Quelle est la météo|Donne-moi la météo|Va-t-il pleuvoir|Fait-il beau|Quelle température fait-il} {à <place>|aujourd'hui|demain|à <place> demain|ce week-end} ?"),
        ("fresh", "{Quelles sont les {nouvelles|actualités}|Que se passe-t-il dans le monde|Quoi de neuf dans l'actualité|Qui a gagné le match hier|Quel est le cours {du bitcoin|de l'euro|de l'or|de l'action <word>}|Combien coûte {un billet pour <place>|un litre d'essence|un <word>}|Quels sont les horaires {du train pour <place>|des magasins}|Quel est le résultat du match|Y a-t-il des bouchons|Cherche sur Internet <topic>|Trouve-moi un vol pour <place>|Quel est le prix {du pain|d'un iPhone|de l'essence}} {aujourd'hui|en ce moment|actuellement|} ?"),
        ("care", "{J'ai mal {à la tête|au dos|au ventre|aux dents|au genou}, que dois-je faire|Quel médicament prendre contre {la toux|la fièvre|la douleur|l'allergie}|Est-ce grave si {je tousse|j'ai de la fièvre|mon cœur bat vite}|Comment {maigrir|arrêter de fumer|dormir mieux|soigner une brûlure}|Dois-je {divorcer|porter plainte|investir mon argent|acheter des actions|changer de travail|quitter mon ami|faire un crédit}|Comment {contester une amende|rédiger un testament|payer moins d'impôts|placer mes économies}|Mon propriétaire refuse de rendre ma caution, que faire|Quels sont mes droits au travail|Comment gérer mon anxiété} ?"),
    ],
    "en": [
        ("know", "{Explain|Can you explain|Please explain|Tell me about|What do you know about|Tell me everything about|What is|What are|Tell me the history of|Summarize|Teach me about|Give me an overview of} <topic>{?|.|}"),
        ("know", "{How does <topic> work|How do <topic> work|What is the use of <topic>|Why do people study <topic>|Who invented <topic>|Who discovered <topic>|When did <topic> appear|What is the origin of <topic>|Where does <topic> come from}?"),
        ("know", "{What are the advantages of|What are the dangers of|What is the importance of|What is the difference between <topic2> and|How is <topic2> related to|Which books are about|What is the best book on|What do you think of|What's your opinion on} <topic>?"),
        ("know", "{Who is|Who was|Do you know|Tell me about|What do you know about|When was <person2> born, and|What did <person2> do with|What is the biography of|What is the job of|Where was <person2> born? And} <person>?"),
        ("know", "{Who {won|lost} the {cup|championship|tournament|race|election|battle} of <place> in <year>|What happened in <place> in <year>|Who ruled <place> in <year>|How many people died in the battle of <place>}?"),
        ("know", "{What is the population of|How many people live in|What is the area of|Who is the president of|Who is the king of|What is the currency of|What is the history of|What is the national dish of|What is the anthem of|What is the GDP of|What is the highest mountain in|What is the longest river in|What are the neighbours of|What is the flag of|What is the main religion in} <country>?"),
        ("know", "{What is the capital of|What's the capital of|Capital of|Where is the capital of} the {province|region|kingdom|empire|island|state} of <place>?"),
        ("know", "{What is the capital of|Where is|Which continent is|What language is spoken in|How many people live in|What's the capital of} <place>?"),
        ("know", "{Who acts in|Who directed|Who wrote|Who sings|What is the plot of|When did they release|Who stars in|What year is} the {film|book|series|album|song|game} \"<title>\"?"),
        ("know", "{How far is <place> from <place2>|How many stars are in the sky|How many bones are in the human body|How many {legs|eyes} does {a spider|an ant|a crab} have|How many teeth does {a shark|a cat|a wolf} have|How fast does {a cheetah|a hare|a tortoise|a horse|a lion|a shark} {run|go|swim}|What is the mass of the Earth|What is the speed of light|Why is the sky blue|Why is the sea salty|Who painted the Mona Lisa|Who wrote Hamlet|What is the meaning of life|Does God exist|Is there life on Mars|What is the largest animal|How much does an elephant weigh|Who was the first man on the moon|How tall is the Eiffel Tower}?"),
        ("know", "{What does <q> mean|Define <q>|Give the definition of <q>|What is the definition of <q>|What is a synonym of <q>|What is the opposite of <q>|What is the etymology of <q>|How do you pronounce <q>|Use <q> in a sentence}{?|.|}"),
        ("make", "{Write|Draft|Can you write|Write me|Compose|Make|Prepare|Generate|Invent} {an essay|a dissertation|an article|a speech|a cover letter|a poem|a sonnet|a haiku|a rap|a song|a novel|a screenplay|a report|a summary|an email|a resume|an outline|a quiz|a presentation|an advert|a press release|a tweet} {about|on} <topic>{.| please.|?|}"),
        ("make", "{Write|Code|Program|Develop|Can you code|Give me|Make me} {a program|a function|a script|a class|a game|an application|a website|an algorithm|an API|some tests} in {Python|Java|Rust|C|C++|Go|JavaScript|TypeScript|PHP|Ruby|Haskell|SQL|HTML} {to|that can} {<task>|sort a list|read a CSV file|compute a factorial|play tic-tac-toe|send an email|download a page|parse text|manage users|draw a chart|encrypt a message|walk a graph|reverse a string}{.|?|}"),
        ("make", "{{Write|Write me|Code|Program|Can you write|Can you code|Give me|Make me|Create|I need|I would like} {{a|a small|a short} {<code> |||}{function|program|script|app|game|algorithm}|some {<code> |}code} {that <does>|to <do>}|How do I <do> in <code>}{.|?|}"),
        ("make", "{Fix|Explain|Optimise|Debug|Rewrite|Comment|Review} {this code|my code|this function|this program|this class|this query} in {Python|Java|Rust|C++|SQL|JavaScript|Go}: {def <word>(x): return x|class <word>|fn <word>()|SELECT * FROM <word>|for i in range(10): print(i)|int main()|let <word> = 3;}"),
        ("make", "{Solve|Can you solve|Compute|Prove|Find} {the equation|the integral of|the derivative of|the limit of|the system} {x² + <n>x = <m>|sin(x) + <n>|x^<n> - <m>|<n>x + <m>y = 7|ln(x) / <n>|e^(<n>x)}{.|?|}"),
        ("know", "{What is the square root of|What is the logarithm of|What are the divisors of|What is the factorial of|What is the cosine of|What is the cube root of} <n>?"),
        ("make", "{Translate|Can you translate|How do you say|Please translate} \"<phrase>\" {into|in} {German|Spanish|Italian|Chinese|Japanese|Arabic|Russian|Portuguese|Latin|Greek|Dutch|Breton|Korean|Turkish|Polish}{?|.|}"),
        ("make", "{Plan|Organise|Prepare|Suggest} {a trip|a weekend|a holiday|an itinerary|a stay} {in|to|of <n> days in} <place>{.|?|}"),
        ("make", "{Give me a recipe for|What is the recipe for|How do I cook|How do I make|How do you prepare} {ratatouille|bread|a chocolate cake|pancakes|a quiche|pasta|risotto|soup|sushi|curry|mayonnaise|couscous|an apple pie} {for <n> people|}?"),
        ("know", "{What is the best|Recommend|Can you suggest|What is your favourite|Suggest|Do you know a good} {film|book|restaurant in <place>|computer|phone|car|video game|album|museum in <place>|series|hotel in <place>|bike|camera}{?|.|}"),
        ("fresh", "{What is the weather like|What's the weather|Tell me the weather|Will it rain|Is it sunny|How hot is it|What's the forecast} {in <place>|today|tomorrow|in <place> tomorrow|this weekend}?"),
        ("fresh", "{What is {the news|in the news}|What is happening in the world|Any news|Who won the match yesterday|What is the price of {bitcoin|the euro|gold|<word> shares}|How much is {a ticket to <place>|a litre of petrol|a <word>}|What are the times of {the train to <place>|the shops}|What is the score of the match|Is there traffic|Search the Internet for <topic>|Find me a flight to <place>|What is the price of {bread|an iPhone|petrol}} {today|right now|currently|}?"),
        ("care", "{I have {a headache|back pain|a stomach ache|a toothache|knee pain}, what should I do|Which medicine should I take for {a cough|fever|pain|an allergy}|Is it serious if {I cough|I have a fever|my heart beats fast}|How can I {lose weight|stop smoking|sleep better|treat a burn}|Should I {divorce|press charges|invest my money|buy shares|change jobs|leave my friend|take a loan}|How do I {contest a fine|write a will|pay less tax|invest my savings}|My landlord will not return my deposit, what can I do|What are my rights at work|How do I deal with anxiety}?"),
    ],
}
_TASKS = {
    "fr": "gérer <w>|convertir des <w>|compter les <w>|afficher un <w>|détecter les <w>|trier des <w>".split("|"),
    "en": "manage <w>|convert <w> files|count the <w>|display a <w>|detect <w>|sort <w>".split("|"),
}
# What programs are asked to do: infinitive and third person.
_DOING = {
    "fr": "trier|trie une liste;lire|lit un fichier CSV;calculer|calcule une factorielle;jouer|joue au morpion;envoyer|envoie un e-mail;télécharger|télécharge une page;analyser|analyse du texte;dessiner|dessine un graphique;chiffrer|chiffre un message;inverser|inverse une chaîne;compter|compte les <w>;convertir|convertit des <w>;afficher|affiche un <w>;trier|trie des nombres;trouver|trouve les nombres premiers;additionner|additionne deux nombres;renommer|renomme des photos;gérer|gère des <w>;faire|fait la somme d'une liste;chercher|cherche un mot dans un texte",
    "en": "sort|sorts a list;read|reads a CSV file;compute|computes a factorial;play|plays tic-tac-toe;send|sends an email;download|downloads a page;parse|parses text;draw|draws a chart;encrypt|encrypts a message;reverse|reverses a string;count|counts the <w>;convert|converts <w> files;display|displays a <w>;sort|sorts numbers;find|finds prime numbers;add|adds two numbers;rename|renames photos;manage|manages <w>;compute|computes the sum of a list;search|searches for a word in a text",
}
_DOING = {lang: [[*line.split("|", 1)] for line in text.split(";")] for lang, text in _DOING.items()}
_CODE = "Python|Java|Rust|C|C++|Go|JavaScript|TypeScript|PHP|Ruby|Haskell|Bash|Perl|Swift|Kotlin".split("|")
_WORDS = {
    "fr": "éphémère serendipité brouillard gourmand orgueil chandelle mousse vergogne tintamarre labyrinthe clairière dépaysement courir finir savoir cendre rivage étincelle ébauche paradoxe facture ruche".split(),
    "en": "ephemeral serendipity fog greedy pride candle moss shame racket labyrinth clearing homesick wander finish know ash shore spark draft paradox invoice hive".split(),
}
_STRANGE = [
    ("¿Cómo estás?", "¿Qué hora es en <p>?", "¿Quién es <n>?", "Hola, ¿puedes ayudarme?", "Cuéntame algo sobre <p>", "¿Dónde está <p>?", "Buenos días, me llamo <n>"),
    ("Wie geht es dir?", "Wie spät ist es in <p>?", "Wer ist <n>?", "Hallo, kannst du mir helfen?", "Erzähl mir etwas über <p>", "Wo liegt <p>?", "Guten Tag, ich heiße <n>"),
    ("Come stai?", "Che ore sono a <p>?", "Chi è <n>?", "Ciao, puoi aiutarmi?", "Parlami di <p>", "Dov'è <p>?", "Buongiorno, mi chiamo <n>"),
    ("Como você está?", "Que horas são em <p>?", "Quem é <n>?", "Olá, você pode me ajudar?", "Fale sobre <p>", "Onde fica <p>?", "Bom dia, meu nome é <n>"),
    ("Hoe gaat het?", "Hoe laat is het in <p>?", "Wie is <n>?", "Hallo, kun je me helpen?", "Vertel me iets over <p>", "Waar ligt <p>?", "Goedemorgen, ik heet <n>"),
    ("Как дела?", "Который час?", "Кто такой <n>?", "Привет, ты можешь мне помочь?", "Расскажи мне о <p>", "Где находится <p>?", "Здравствуйте, меня зовут <n>"),
    ("你好吗？", "现在几点？", "你能帮我吗？", "谁是<n>？", "<p>在哪里？", "你好", "告诉我关于<p>的事"),
    ("お元気ですか？", "今何時ですか？", "手伝ってくれますか？", "<n>は誰ですか？", "こんにちは", "<p>はどこですか？"),
    ("كيف حالك؟", "كم الساعة؟", "هل يمكنك مساعدتي؟", "من هو <n>؟", "أين تقع <p>؟", "مرحبا"),
    ("Jak się masz?", "Kim jest <n>?", "Gdzie jest <p>?", "Cześć, możesz mi pomóc?", "Opowiedz mi o <p>"),
    ("Nasılsın?", "<n> kim?", "<p> nerede?", "Merhaba, bana yardım eder misin?", "Bana <p> hakkında bilgi ver"),
]


def invented(rng: random.Random, low: int = 2, high: int = 4) -> str:
    """A name that exists nowhere (or only by accident).

    A quarter of them go beyond the syllables of French and Italian names, so that more of the vocabulary's short tokens
    are seen in names that must be copied.
    """
    if rng.random() < 0.25:
        syllables = [rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(2)]
        return "".join(syllables).capitalize()
    return "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(low, high))).capitalize()


def refusal(rng: random.Random, lang: str) -> Exchange:
    draw = rng.random()
    if draw < 0.06:
        return _foreign(rng)
    if draw < 0.10:
        return _nonsense(rng, lang)
    kind, form = rng.choice(_FORMS[lang] + [f for f in _FORMS[lang] if "<does>" in f[1]] * 2)
    user, key = ask(rng, lang, form, soft=False, **_slots(rng, lang))
    return Exchange(user, _SAY[kind][lang], key, lang, {"refusal": kind})


def _slots(rng, lang):
    country = rng.choice(COUNTRIES)
    word = rng.choice(_WORDS[lang]) if rng.random() < 0.6 else invented(rng).lower()
    infinitive, third = rng.choice(_DOING[lang])
    return {
        "topic": rng.choice(_TOPICS[lang]),
        "topic2": rng.choice(_TOPICS[lang]),
        "person": f"{rng.choice(_FIRST)} {invented(rng)}" if rng.random() < 0.7 else invented(rng),
        "person2": f"{rng.choice(_FIRST)} {invented(rng)}",
        "place": invented(rng),
        "place2": invented(rng),
        "year": rng.randint(800, 2026),
        "country": country.en,
        "country_of": country.fr_of,
        "title": " ".join([rng.choice(_WORDS[lang]).capitalize(), invented(rng)][: rng.randint(1, 2)]),
        "word": word,
        "q": rng.choice([f'"{word}"', word, f"the word {word}"]),
        "phrase": rng.choice([word, f"{rng.choice(_WORDS[lang])} {word}", rng.choice(_TOPICS[lang])]),
        "do": fill(f"{infinitive} {third.split(' ', 1)[1]}", w=word),
        "does": fill(third, w=word),
        "code": rng.choice(_CODE),
        "task": fill(rng.choice(_TASKS[lang]), w=word),
        "n": rng.randint(2, 999),
        "m": rng.randint(2, 99),
    }


def _foreign(rng):
    text = fill(rng.choice(rng.choice(_STRANGE)), n=rng.choice(_FIRST), p=rng.choice([invented(rng), "Paris", "Madrid", "Berlin", "Lyon"]))
    return Exchange(text, _FOREIGN, text, "fr", {"must": ["tramontane pull ministral-3:3b", "I only speak"], "lang": None})


def _nonsense(rng, lang):
    """Keys hit at random. Nothing says which language: a third of it is answered in English with a French hint."""
    letters = "".join(rng.choice("azertyuiopqsdfghjklmwxcvbn") for _ in range(rng.randint(4, 14)))
    text = rng.choice([letters, letters + " " + letters[::-1], "?" * rng.randint(1, 4), "." * rng.randint(1, 4), letters[:5] * 2, "!!!", "…", "-", letters.upper()])
    answer = "Je n'ai pas compris. / I did not understand. Pouvez-vous le dire autrement ?"
    return Exchange(text, answer, text, "fr", {"must": ["did not understand"], "lang": None})
