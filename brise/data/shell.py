"""The terminal: everyday commands, and the classic faults of a short bash script with the corrected line."""

import random

from .grammar import ask, fill
from .talk import Exchange

_FILES = "notes.txt rapport.pdf report.pdf data.csv photo.jpg main.rs todo.md config.yaml app.log backup.tar.gz index.html script.sh donnees.csv budget.ods lettre.odt letter.odt access.log server.log settings.json README.md".split()
_DIRS = "docs src photos projets projects backup Downloads /tmp /var/log build data images musique music ~/work archives".split()
_WORDS = "error TODO warning facture password main timeout alpha user 404 failed done Paris".split()
_HOSTS = "example.org serveur.local server.local 192.168.1.10 10.0.0.5 host.example.net".split()
_USERS = "marie paul anna root deploy tom".split()
_PROGRAMS = "firefox nginx python3 vim postgres node java ssh".split()
_EXTENSIONS = "txt pdf jpg csv log rs py md png json".split()

# French question | English question | command | French gloss | English gloss
_COMMANDS = [line.split(" || ") for line in r"""
{lister|afficher|voir} les fichiers{ d'un dossier|} || {list|show|see} {the |}files{ in a folder|} || ls -l || liste les fichiers avec leurs détails || lists the files with their details
{lister|afficher|voir} les fichiers {cachés|masqués} || {list|show|see} hidden files || ls -la || liste aussi les fichiers cachés || lists hidden files too
{savoir dans quel dossier je suis|connaître le dossier courant|afficher le répertoire courant} || {know which folder I am in|show the current directory|print the current folder} || pwd || affiche le dossier courant || prints the current folder
{aller dans le dossier <dir>|changer de dossier vers <dir>|entrer dans <dir>} || {go to the folder <dir>|change directory to <dir>|enter <dir>} || cd <dir> || change de dossier || changes the folder
{revenir au dossier parent|remonter d'un dossier|remonter d'un niveau} || {go up one folder|go to the parent directory|go back one directory} || cd .. || remonte au dossier parent || goes up to the parent folder
{créer un dossier|créer un répertoire|faire un dossier} {nommé|appelé} <dir> || {create|make} a {folder|directory} {named|called} <dir> || mkdir -p <dir> || crée le dossier || creates the folder
{copier le fichier <file> dans <dir>|copier <file> vers <dir>} || copy {the file |}<file> {to|into} <dir> || cp <file> <dir>/ || copie le fichier || copies the file
{copier tout le dossier|copier un dossier entier} <dir> || copy {the whole folder|an entire directory} <dir> || cp -r <dir> copy/ || copie le dossier et son contenu || copies the folder and its contents
{déplacer <file> dans <dir>|déplacer le fichier <file> vers <dir>} || move {the file |}<file> {to|into} <dir> || mv <file> <dir>/ || déplace le fichier || moves the file
{renommer <file> en <file2>|changer le nom de <file> en <file2>} || {rename <file> to <file2>|change the name of <file> to <file2>} || mv <file> <file2> || renomme le fichier || renames the file
{supprimer|effacer} {le fichier |}<file> || {delete|remove|erase} {the file |}<file> || rm -i <file> || supprime le fichier après confirmation || deletes the file after asking
{supprimer|effacer} {le dossier|le répertoire} <dir> || {delete|remove} the {folder|directory} <dir> || rm -ri <dir> || supprime le dossier en demandant confirmation || deletes the folder, asking first
{afficher le contenu de <file>|lire <file>|voir ce qu'il y a dans <file>} || {show the contents of <file>|read <file>|see what is in <file>|print <file>} || cat <file> || affiche le contenu du fichier || prints the file's contents
{lire un long fichier comme <file>|parcourir <file> page par page} || {read a long file such as <file>|page through <file>|browse <file> page by page} || less <file> || parcourt le fichier page par page || pages through the file
{voir les <n> premières lignes de <file>|afficher le début de <file>, <n> lignes} || {see|show} the first <n> lines of <file> || head -n <n> <file> || affiche les premières lignes || prints the first lines
{voir les <n> dernières lignes de <file>|afficher les <n> lignes de fin de <file>} || {see|show} the last <n> lines of <file> || tail -n <n> <file> || affiche les dernières lignes || prints the last lines
{suivre <file> en direct|suivre un journal comme <file>|voir les nouvelles lignes de <file>} || {follow <file> live|watch a log such as <file>|see new lines of <file>} || tail -f <file> || suit le fichier pendant qu'il grandit || follows the file as it grows
{compter les lignes de <file>|savoir combien de lignes a <file>} || {count the lines {of|in} <file>|know how many lines <file> has} || wc -l <file> || compte les lignes || counts the lines
{compter les mots de <file>|savoir combien de mots contient <file>} || {count the words {of|in} <file>|know how many words <file> has} || wc -w <file> || compte les mots || counts the words
{chercher le mot <word> dans <file>|trouver <word> dans <file>|chercher <word> dans le fichier <file>} || {search for <word> in <file>|find <word> in <file>|look for the word <word> in <file>} || grep -n '<word>' <file> || montre les lignes qui contiennent le mot || shows the lines that contain the word
{chercher <word> dans tout le dossier <dir>|trouver <word> dans tous les fichiers de <dir>} || {search for <word> in the whole folder <dir>|find <word> in all files of <dir>} || grep -rn '<word>' <dir> || cherche dans tous les fichiers du dossier || searches all files of the folder
{trouver|chercher} {un fichier nommé <file>|le fichier <file>|où est <file>} || {find {a file named <file>|the file <file>}|locate <file>} || find . -name '<file>' || cherche le fichier par son nom || looks for the file by name
{trouver|chercher|lister} tous les fichiers {.<ext>|<ext>}{ de <dir>| dans <dir>} || {find|list} all {the |}{.<ext>|<ext>} files in <dir> || find <dir> -name '*.<ext>' || trouve les fichiers de ce type || finds the files of that type
{voir l'espace disque|connaître la place libre|savoir combien d'espace disque il reste} || {see {the |}disk space|check free disk space|know how much disk space is left} || df -h || montre l'espace libre de chaque disque || shows the free space of each disk
{connaître la taille du dossier <dir>|savoir combien pèse <dir>|voir la taille de <dir>} || {get the size of {the folder |}<dir>|know how big <dir> is|see the size of <dir>} || du -sh <dir> || donne la taille du dossier || gives the folder's size
{voir la mémoire libre|connaître la mémoire utilisée|savoir combien de RAM il reste} || {see free memory|check memory usage|know how much RAM is left} || free -h || montre la mémoire libre et utilisée || shows free and used memory
{voir les processus|lister les processus|afficher les programmes en cours} || {see|list|show} {the |}{running |}processes || ps aux || liste les processus || lists the processes
{voir ce qui utilise le processeur|surveiller les processus|voir l'activité du système} || {see what uses the CPU|monitor processes|watch the system's activity} || top || montre les processus en direct || shows the processes live
{arrêter|tuer|fermer} {le processus|le programme|} <program> || {stop|kill|close} {the process |the program |}<program> || pkill <program> || arrête le programme par son nom || stops the program by name
{arrêter|tuer} le processus {numéro|de PID|} <pid> || {stop|kill} {the process|process number|PID} <pid> || kill <pid> || demande au processus de s'arrêter || asks the process to stop
{rendre <script> exécutable|donner le droit d'exécution à <script>|pouvoir exécuter <script>} || {make <script> executable|give <script> execute permission} || chmod +x <script> || rend le fichier exécutable || makes the file executable
{changer le propriétaire de <file> en <user>|donner <file> à <user>} || {change the owner of <file> to <user>|give <file> to <user>} || sudo chown <user> <file> || change le propriétaire || changes the owner
{créer une archive de <dir>|compresser le dossier <dir>|archiver <dir>} || {create an archive of <dir>|compress the folder <dir>|archive <dir>} || tar czf archive.tar.gz <dir> || crée une archive compressée || creates a compressed archive
{extraire|décompresser|ouvrir} {une archive|l'archive} <archive> || {extract|unpack|open} {an archive|the archive} <archive> || tar xzf <archive> || extrait l'archive || extracts the archive
{se connecter à <host> en tant que <user>|se connecter en ssh à <host> avec <user>} || {connect to <host> as <user>|ssh into <host> as <user>|log in to <host> as <user>} || ssh <user>@<host> || ouvre une session sur la machine distante || opens a session on the remote machine
{copier <file> sur <host>|envoyer <file> vers <host> par ssh} || {copy <file> to <host>|send <file> to <host> over ssh} || scp <file> <host>: || copie le fichier sur la machine distante || copies the file to the remote machine
{tester la connexion à <host>|savoir si <host> répond|voir si <host> est joignable} || {test the connection to <host>|check whether <host> answers|see if <host> is reachable} || ping -c 4 <host> || envoie quatre paquets || sends four packets
{connaître mon adresse IP|voir mon adresse IP|afficher mon IP} || {get my IP address|see my IP address|show my IP} || ip addr || affiche les adresses de la machine || shows the machine's addresses
{voir quel programme écoute sur le port <port>|savoir ce qui utilise le port <port>} || {see which program listens on port <port>|know what uses port <port>} || sudo ss -ltnp 'sport = :<port>' || montre le programme qui écoute || shows the program that listens
{trier les lignes de <file>|trier <file>} || {sort the lines of <file>|sort <file>} || sort <file> || trie les lignes || sorts the lines
{enlever les lignes en double de <file>|supprimer les doublons de <file>} || {remove duplicate lines from <file>|delete the duplicates in <file>} || sort -u <file> || trie et garde chaque ligne une fois || sorts and keeps each line once
{remplacer <word> par <word2> dans <file>|changer <word> en <word2> dans <file>} || {replace <word> {by|with} <word2> in <file>|change <word> to <word2> in <file>} || sed -i 's/<word>/<word2>/g' <file> || remplace le mot partout || replaces the word everywhere
{comparer <file> et <file2>|voir les différences entre <file> et <file2>} || {compare <file> and <file2>|see the differences between <file> and <file2>} || diff <file> <file2> || montre les lignes qui diffèrent || shows the lines that differ
{écrire la date|afficher la date|connaître la date et l'heure} || {print|show|get} the date{ and time|} || date || affiche la date et l'heure || prints the date and time
{voir l'historique des commandes|retrouver mes anciennes commandes} || {see the command history|find my earlier commands} || history || liste les commandes passées || lists earlier commands
{savoir qui je suis|connaître mon nom d'utilisateur|afficher l'utilisateur courant} || {know who I am in the terminal|get my user name|show the current user} || whoami || affiche votre nom d'utilisateur || prints your user name
{effacer l'écran|nettoyer le terminal|vider l'écran} || {clear the screen|clear the terminal|empty the screen} || clear || efface l'écran || clears the screen
{créer un fichier vide|créer le fichier} <file> || {create {an empty file|the file}} <file> || touch <file> || crée le fichier s'il n'existe pas || creates the file if it does not exist
{afficher une variable comme <var>|voir la valeur de <var>} || {print a variable such as <var>|see the value of <var>} || echo "$<var>" || affiche la valeur || prints the value
{créer un lien vers <file>|faire un lien symbolique vers <file>} || {create a link to <file>|make a symbolic link to <file>} || ln -s <file> link || crée un lien symbolique || creates a symbolic link
calculer <n> fois <m> dans le terminal || {compute|calculate} <n> times <m> in the terminal || echo $((<n> * <m>)) || calcule et affiche le résultat || computes and prints the result
{télécharger une page de <host>|récupérer un fichier de <host>} || {download a page from <host>|fetch a file from <host>} || curl -O https://<host>/file || télécharge le fichier || downloads the file
{redémarrer|relancer} le service <program> || restart the {service |}<program>{ service|} || sudo systemctl restart <program> || redémarre le service || restarts the service
{voir l'état du service <program>|savoir si <program> tourne} || {see the status of <program>|check whether <program> is running} || systemctl status <program> || montre l'état du service || shows the service's status
""".strip().splitlines()]
_ASK_FR = "{Comment |Comment {faire pour|puis-je|on peut} |Quelle {est la |}commande pour |Quelle commande permet de |Je veux |Commande {bash |shell |linux |}pour |Dans le terminal, comment |Sous Linux, comment |Donne-moi la commande pour |Aide-moi à }<what> ?"
_ASK_EN = "{How {do I|can I|to|do you} |{What is the|Which|What} command {to|would} |I want to |{Bash|Shell|Linux} command to |In the terminal, how do I |On Linux, how do I |Give me the command to |Help me |How would I }<what>?"


def command(rng: random.Random, lang: str) -> Exchange:
    french, english, line, gloss_fr, gloss_en = rng.choice(_COMMANDS)
    slots = _slots(rng)
    from .grammar import expand

    what = expand(rng, french if lang == "fr" else english)
    template = (_ASK_FR if lang == "fr" else _ASK_EN.replace("{to|would}", "to")).replace("<what>", what)
    if lang == "fr":
        template = template.replace("Aide-moi à ", "Aide-moi à ").replace("on peut} ", "on peut} ")
    user, key = ask(rng, lang, template, soft=False, **slots)
    done = fill(line, **slots)
    gloss = gloss_fr if lang == "fr" else gloss_en
    joint = " : " if lang == "fr" else ": "
    return Exchange(user, f"`{done}`{joint}{gloss}.", key, lang, {"must": [f"`{done}`"]})


def _slots(rng):
    file, file2 = rng.sample(_FILES, 2)
    if rng.random() < 0.5:
        file = _made_up(rng) + "." + rng.choice(_EXTENSIONS)
    word, word2 = rng.sample(_WORDS, 2)
    if rng.random() < 0.4:
        word = _made_up(rng)
    directory = rng.choice(_DIRS) if rng.random() < 0.5 else _made_up(rng)
    return {
        "file": file, "file2": file2, "dir": directory, "word": word, "word2": word2, "host": rng.choice(_HOSTS), "user": rng.choice(_USERS),
        "program": rng.choice(_PROGRAMS), "ext": rng.choice(_EXTENSIONS), "n": rng.randint(1, 100), "m": rng.randint(2, 99), "pid": rng.randint(100, 99999),
        "port": rng.choice([80, 443, 3000, 5432, 8000, 8080, 9090, rng.randint(1024, 65000)]), "script": rng.choice(["script.sh", _made_up(rng) + ".sh", "build.sh", "run.py"]),
        "archive": rng.choice(["archive.tar.gz", _made_up(rng) + ".tar.gz", "backup.tar.gz"]), "var": rng.choice(["HOME", "PATH", "USER", "LANG", "NAME", "SHELL"]),
    }  # fmt: skip


def _made_up(rng):
    from .outside import invented

    return invented(rng).lower()


_VARS = "file dir name user path count total source target log line item src dest input nom fichier dossier".split()


def bash_fault(rng: random.Random, lang: str) -> Exchange:
    """A faulty line or script; the answer names the fault and gives the corrected text (or says that it sees none)."""
    fault = rng.choice(_FAULTS)
    wrong, right, why_fr, why_en = fault(rng)
    multi = "\n" in wrong
    code = f"\n{wrong}" if multi else wrong
    block = rng.random()
    shown = f"\n```\n{wrong}\n```" if block < 0.3 else (f" `{wrong}`" if block < 0.5 and not multi else ("\n" if block < 0.6 else " ") + code.lstrip("\n") if not multi else code)
    if lang == "fr":
        question = (
            "{{Corrige|Peux-tu corriger|Répare|Corrige-moi|Trouve l'erreur dans|Où est l'erreur dans|Qu'est-ce qui ne va pas dans|Vérifie} {ce script|cette ligne|ce bash|ce script bash|cette commande|mon script}"
            "|{Ce script|Cette ligne|Cette commande} {ne marche pas|plante|donne une erreur|échoue}|Pourquoi {ce script|cette ligne} ne marche pas|Mon script bash ne marche pas|J'ai une erreur ici} :<code>"
        )
        why = why_fr
    else:
        question = (
            "{{Fix|Can you fix|Please fix|Correct|Find the error in|Find the bug in|What is wrong {in|with}|Check} {this script|this line|this bash|this bash script|this command|my script}"
            "|{This script|This line|This command} {does not work|fails|gives an error|is broken}|Why does {this script|this line} {fail|not work}|My bash script does not work|I get an error here}:<code>"
        )
        why = why_en
    user, _ = ask(rng, lang, question, soft=False, code=shown)
    if lang == "en":
        user = user.replace("? :", ":")
    if wrong == right:
        return Exchange(user, why, f"fault {wrong}", lang, {"exact": why})
    answer = f"{why}\n\n```bash\n{right}\n```"
    return Exchange(user, answer, f"fault {wrong}", lang, {"must": [f"```bash\n{right}\n```"]})


def _name(rng):
    return rng.choice(_VARS) if rng.random() < 0.6 else _made_up(rng)


def _test_line(rng, v):
    return rng.choice([f'[ -f "${v}" ]', f'[ -d "${v}" ]', f'[ -n "${v}" ]', f'[ -z "${v}" ]', f'[ "${v}" = "{_made_up(rng)}" ]', f'[ "${v}" -gt {rng.randint(1, 99)} ]', f'[ "${v}" -eq {rng.randint(0, 99)} ]'])


def _action(rng, v):
    return rng.choice([f'echo "${v}"', f'rm "${v}"', f'cat "${v}"', f'cp "${v}" backup/', f'wc -l "${v}"', f'mv "${v}" {_made_up(rng)}/', f'mkdir -p "${v}"', "exit 1", f'echo "{_made_up(rng)}"', f'ls -l "${v}"'])


def _unquoted(rng):
    v = _name(rng)
    command = rng.choice(["rm", "cat", "cp", "mv", "ls -l", "wc -l", "mkdir -p", "cd", "touch", "chmod +x", "head -n 3", "du -sh"])
    tail = f" {_made_up(rng)}/" if command in ("cp", "mv") else ""
    return f"{command} ${v}{tail}", f'{command} "${v}"{tail}', f"La variable `${v}` doit être entre guillemets, sinon une espace dans sa valeur la coupe en deux.", f"The variable `${v}` must be quoted, or a space in its value splits it."


def _missing_fi(rng):
    v = _name(rng)
    head = f"if {_test_line(rng, v)}; then\n  {_action(rng, v)}"
    if rng.random() < 0.35:
        head += f"\nelse\n  {_action(rng, v)}"
    return head, head + "\nfi", "Il manque `fi` à la fin du `if`.", "The `fi` that closes the `if` is missing."


def _missing_done(rng):
    v = _name(rng)
    head = rng.choice([f"for {v} in *.{rng.choice(_EXTENSIONS)}; do", f"while read -r {v}; do", f"for {v} in 1 2 3; do", f"for {v} in {_made_up(rng)} {_made_up(rng)}; do"])
    body = f"{head}\n  {_action(rng, v)}"
    return body, body + "\ndone", "Il manque `done` à la fin de la boucle.", "The `done` that closes the loop is missing."


def _missing_then(rng):
    v = _name(rng)
    test, act = _test_line(rng, v), _action(rng, v)
    return f"if {test}\n  {act}\nfi", f"if {test}; then\n  {act}\nfi", "Il manque `then` après la condition.", "The `then` after the condition is missing."


def _missing_do(rng):
    v = _name(rng)
    head, act = rng.choice([f"for {v} in *.{rng.choice(_EXTENSIONS)}", f"for {v} in {_made_up(rng)} {_made_up(rng)}", f"while read -r {v}"]), _action(rng, v)
    return f"{head}\n  {act}\ndone", f"{head}; do\n  {act}\ndone", "Il manque `do` après l'en-tête de la boucle.", "The `do` after the head of the loop is missing."


def _bracket_spaces(rng):
    v = _name(rng)
    test = _test_line(rng, v)
    wrong = rng.choice([test.replace("[ ", "["), test.replace("[ ", "[").replace(" ]", "]"), test.replace(" ]", "]")])
    act = _action(rng, v)
    return f"if {wrong}; then\n  {act}\nfi", f"if {test}; then\n  {act}\nfi", "Il faut des espaces à l'intérieur des crochets `[ ]`.", "Spaces are needed inside the brackets `[ ]`."


def _assignment_spaces(rng):
    v = _name(rng)
    value = rng.choice([str(rng.randint(0, 999)), f'"{_made_up(rng)}"', f'"{rng.choice(_FILES)}"'])
    wrong = rng.choice([f"{v} = {value}", f"{v} ={value}", f"{v}= {value}"])
    return wrong, f"{v}={value}", "Une affectation s'écrit sans espaces autour de `=`.", "An assignment is written without spaces around `=`."


def _dollar_assignment(rng):
    v = _name(rng)
    value = rng.choice([str(rng.randint(0, 999)), f'"{_made_up(rng)}"', f'"{rng.choice(_FILES)}"'])
    return f"${v}={value}", f"{v}={value}", "On affecte une variable sans le signe `$`.", "A variable is assigned without the `$` sign."


def _numeric_compare(rng):
    v, n = _name(rng), rng.randint(1, 99)
    sign, word = rng.choice([(">", "-gt"), ("<", "-lt"), (">=", "-ge"), ("<=", "-le")])
    act = _action(rng, v)
    return f'if [ "${v}" {sign} {n} ]; then\n  {act}\nfi', f'if [ "${v}" {word} {n} ]; then\n  {act}\nfi', f"Dans `[ ]`, les nombres se comparent avec `{word}`.", f"Inside `[ ]`, numbers are compared with `{word}`."


def _single_quotes(rng):
    v = _name(rng)
    word = rng.choice(["Bonjour", "Hello", "Total", "Fichier", "File", "Erreur", "Error", _made_up(rng)])
    return f"echo '{word} ${v}'", f'echo "{word} ${v}"', "Entre guillemets simples, la variable n'est pas remplacée : il faut des guillemets doubles.", "Inside single quotes the variable is not expanded: use double quotes."


def _shebang(rng):
    wrong = rng.choice(["#/bin/bash", "!#/bin/bash", "# !/bin/bash", "#!bin/bash", "#!/bin/bsh"])
    act = rng.choice([f'echo "{_made_up(rng)}"', "set -e", f"cd {_made_up(rng)}", "ls -l"])
    return f"{wrong}\n{act}", f"#!/bin/bash\n{act}", "La première ligne doit être `#!/bin/bash`.", "The first line must be `#!/bin/bash`."


def _semicolon(rng):
    v = _name(rng)
    test, act = _test_line(rng, v), _action(rng, v)
    return f"if {test} then\n  {act}\nfi", f"if {test}; then\n  {act}\nfi", "Il manque un point-virgule avant `then`.", "A semicolon is missing before `then`."


def _unclosed_quote(rng):
    v = _name(rng)
    word = rng.choice(["Bonjour", "Hello", "Total", "Fichier", "File", _made_up(rng)])
    return f'echo "{word} ${v}', f'echo "{word} ${v}"', "Le guillemet ouvert n'est pas fermé.", "The opening quote is never closed."


def _cd_guard(rng):
    d = _made_up(rng)
    return f"cd {d}\nrm -r *", f"cd {d} || exit 1\nrm -r *", "Si `cd` échoue, `rm` effacerait le mauvais dossier : il faut s'arrêter.", "If `cd` fails, `rm` would erase the wrong folder: stop there."


def _ls_loop(rng):
    v, ext = _name(rng), rng.choice(_EXTENSIONS)
    act = f'echo "${v}"'
    return f"for {v} in $(ls *.{ext}); do\n  {act}\ndone", f"for {v} in *.{ext}; do\n  {act}\ndone", "On ne parcourt pas la sortie de `ls` : le motif suffit et garde les espaces.", "Do not loop over the output of `ls`: the pattern is enough and keeps spaces."


def _sound(rng):
    """Nothing is wrong: the right half of any other fault."""
    right = rng.choice(_FAULTS[:-1])(rng)[1]
    return right, right, "Je ne vois pas d'erreur ici. Que se passe-t-il quand vous le lancez ?", "I see no error here. What happens when you run it?"


_FAULTS = [_unquoted, _missing_fi, _missing_done, _missing_then, _missing_do, _bracket_spaces, _assignment_spaces, _dollar_assignment,
           _numeric_compare, _single_quotes, _shebang, _semicolon, _unclosed_quote, _cd_guard, _ls_loop, _sound]  # fmt: skip
