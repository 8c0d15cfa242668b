/*
** calibration_texts.c - what activations are measured on before weights get 8 bits: a little of
** everything that may come: questions, prose, lists, numbers, code, markup, other scripts, a single
** word, a long paragraph. Written for this purpose and in the public domain. Changing a letter
** changes the fingerprint of every int8 model.
*/
#include <stddef.h>

#include "quantize.h"

const char *const enc_calibration_texts[] = {
    "The river was high that spring, and the old bridge would not have held another cart.",
    "Where can I change money near the station?",
    "She sat on the bank and watched the boats go by.",
    "The bank raised its lending rate by a quarter of a point on Thursday.",
    "Salt, pepper, two cloves of garlic, a pound of tomatoes, half a cup of olive oil.",
    "How do I cancel an order that has already been shipped?",
    "Dear Ms Okafor, thank you for your letter of 14 March; the missing parts left our warehouse "
    "this morning and should reach you by Friday at the latest.",
    "A group of cells that work together is called a tissue.",
    "he doesn't know whether they're coming, and I can't say I'd mind if they weren't",
    "Patients with a history of heart failure were excluded from the second trial.",
    "The court held that the clause was void, since neither party had agreed to it in writing.",
    "int main(void) { for (int i = 0; i < 10; i++) total += values[i] * 2; return total != 0; }",
    "SELECT name, count(*) FROM orders WHERE price > 19.99 GROUP BY name ORDER BY 2 DESC;",
    "<p class=\"note\">See <a href=\"https://example.org/a?b=1&amp;c=2\">the page</a>.</p>",
    "Error 404: /var/log/app.log not found (line 17, column 3)",
    "3.14159 26535 89793 23846 26433 83279",
    "On 2021-07-04 at 08:30 the temperature was -3.5 degrees and the wind 12 km/h from the NW.",
    "WARNING: DO NOT OPEN THIS DOOR WHILE THE MACHINE IS RUNNING!",
    "to be of use; to serve a purpose",
    "a small dark bird with a forked tail that nests under roofs",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "Our team lost 2-1 in the last minute, but nobody went home early.",
    "In the beginning the orchestra was tuned a whole tone lower than is usual today.",
    "The quick brown fox jumps over the lazy dog.",
    "ok",
    "Yes.",
    "electroencephalography",
    "Why is the sky blue, and why does it turn red in the evening?",
    "Le train de huit heures avait du retard, comme toujours en hiver.",
    "Der Vertrag kann von beiden Seiten mit einer Frist von drei Monaten gek\u00fcndigt werden.",
    "El ni\u00f1o pregunt\u00f3 por qu\u00e9 las estrellas no se caen.",
    "La biblioteca \u00e8 chiusa la domenica e nei giorni di festa.",
    "O mar estava calmo e os pescadores voltaram cedo.",
    "\u0412\u0447\u0435\u0440\u0430 \u0432\u0435\u0447\u0435\u0440\u043e\u043c \u043f\u043e\u0448\u0451\u043b "
    "\u043f\u0435\u0440\u0432\u044b\u0439 \u0441\u043d\u0435\u0433.",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed\u5427\u3002",
    "\u56f3\u66f8\u9928\u306f\u99c5\u306e\u8fd1\u304f\u306b\u3042\u308a\u307e\u3059\u3002",
    "\uc544\uce68\uc5d0 \ucee4\ud53c\ub97c \ub9c8\uc2dc\uba74\uc11c "
    "\uc2e0\ubb38\uc744 \uc77d\uc5c8\ub2e4.",
    "\u064a\u0641\u062a\u062d \u0627\u0644\u0633\u0648\u0642 \u0639\u0646\u062f "
    "\u0627\u0644\u0641\u062c\u0631.",
    "\u0928\u0926\u0940 \u0915\u0947 \u0915\u093f\u0928\u093e\u0930\u0947 \u090f\u0915 "
    "\u0917\u093e\u0901\u0935 \u0939\u0948\u0964",
    "\u03a4\u03bf \u03c0\u03bb\u03bf\u03af\u03bf \u03c6\u03b5\u03cd\u03b3\u03b5\u03b9 "
    "\u03c4\u03bf \u03b2\u03c1\u03ac\u03b4\u03c5.",
    "caf\u00e9, na\u00efve, \u0141\u00f3d\u017a, \u00c5ngstr\u00f6m, S\u00e3o Paulo",
    "The results (see Table 2; p < 0.05, n = 1,204) do not support the earlier claim [7, 12].",
    "E = mc^2, a^2 + b^2 = c^2, and the integral of 1/x is ln|x| + C.",
    "Shares of the company fell 8% to $41.27 after it cut its forecast for the year.",
    "Step 1: unplug the printer. Step 2: open the rear cover. Step 3: pull the sheet out slowly.",
    "Lol that was sooo funny!!! cant wait for next week :-) #friends @home",
    "The minister, who had denied everything on Monday, resigned on Tuesday; by Wednesday his "
    "successor was denying it too.",
    "A recursive function calls itself until a condition that ends it is met.",
    "Mix the flour with the butter until it looks like crumbs, then add the cold water a spoon at "
    "a time and knead only as long as you must.",
    "Is there a pharmacy open at night within walking distance of the hotel?",
    "The dog barked. The cat fled. The vase, alas, did neither.",
    "Protein folding, gene expression, cell membrane, enzyme kinetics",
    "He bowed to the queen, tied his bow, and took up his bow and arrows.",
    "Light rays bend when they pass from air into water, which is why a stick looks broken there.",
    "All persons born in the village before the flood were entitled to a share of the common land, "
    "to the wood that fell in the forest, and to fish in the upper lake from May to September.",
    "The installation requires Python 3.9 or later; run `pip install .` in the source folder.",
    "aaaaaaaaaaaaaaaa ---- ==== .... ???? 0000000000",
    "My grandmother kept bees. She said that they knew when somebody in the house had died, and "
    "that one had to go out and tell them. I never saw her do it, but on the day after my "
    "grandfather's funeral there was a black ribbon on each of the hives, and nobody would admit "
    "to having put it there. When I asked her about it she laughed, gave me a spoon of honey, and "
    "talked about the weather, the price of sugar, and the new road that was to be built behind "
    "the church.",
    "Mount Everest is 8,849 metres high; the Mariana Trench is nearly 11 kilometres deep.",
    "Version 2.0 adds dark mode, fixes a crash on start-up and removes support for older phones.",
    NULL,
};
