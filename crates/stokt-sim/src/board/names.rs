//! Invented names for climbs and setters: none is of a real person.

use crate::rng::Rng;

const NOUNS: [(&str, bool); 48] = [
    ("Lézard", false),
    ("Cigale", true),
    ("Pastèque", true),
    ("Grenouille", true),
    ("Château", false),
    ("Brioche", true),
    ("Marmotte", true),
    ("Parapluie", false),
    ("Tournesol", false),
    ("Chausson", false),
    ("Magnésie", true),
    ("Traversée", true),
    ("Bûcheron", false),
    ("Chouette", true),
    ("Pivert", false),
    ("Cacahuète", true),
    ("Réglette", true),
    ("Comète", true),
    ("Hérisson", false),
    ("Sardine", true),
    ("Cassoulet", false),
    ("Violette", true),
    ("Bicyclette", true),
    ("Fantôme", false),
    ("Gâteau", false),
    ("Tortue", true),
    ("Baleine", true),
    ("Crêpe", true),
    ("Dragon", false),
    ("Forêt", true),
    ("Fenêtre", true),
    ("Moustique", false),
    ("Noisette", true),
    ("Pélican", false),
    ("Sorcière", true),
    ("Tempête", true),
    ("Vélo", false),
    ("Wagon", false),
    ("Pamplemousse", false),
    ("Rêve", false),
    ("Épouvantail", false),
    ("Orage", false),
    ("Araignée", true),
    ("Éléphant", false),
    ("Abricot", false),
    ("Étoile", true),
    ("Igloo", false),
    ("Ourson", false),
];
const ADJECTIVES: [(&str, &str); 26] = [
    ("perdu", "perdue"),
    ("têtu", "têtue"),
    ("volant", "volante"),
    ("bleu", "bleue"),
    ("pressé", "pressée"),
    ("fâché", "fâchée"),
    ("secret", "secrète"),
    ("givré", "givrée"),
    ("discret", "discrète"),
    ("infernal", "infernale"),
    ("tordu", "tordue"),
    ("zélé", "zélée"),
    ("sauvage", "sauvage"),
    ("endormi", "endormie"),
    ("magnétique", "magnétique"),
    ("doré", "dorée"),
    ("bancal", "bancale"),
    ("élastique", "élastique"),
    ("oublié", "oubliée"),
    ("poilu", "poilue"),
    ("suspendu", "suspendue"),
    ("électrique", "électrique"),
    ("maladroit", "maladroite"),
    ("fondu", "fondue"),
    ("salé", "salée"),
    ("tranquille", "tranquille"),
];
const TAILS: [&str; 24] = [
    "du dimanche",
    "de minuit",
    "à l'envers",
    "sans talon",
    "des neiges",
    "en chaussettes",
    "d’à côté",
    "au beurre salé",
    "de l’été",
    "sous la pluie",
    "à deux doigts",
    "du troisième étage",
    "en apesanteur",
    "pour les grands",
    "de la dernière chance",
    "à croix",
    "des bois",
    "à 40°",
    "du vendredi",
    "sans les mains",
    "de Noël",
    "au ralenti",
    "à compression",
    "par la gauche",
];
const WHOLE: [&str; 24] = [
    "Ça glisse encore",
    "J'ai froid aux pieds",
    "T’as vu la prise ?",
    "Et puis quoi encore !",
    "Pas ce soir",
    "Où est mon pied ?",
    "Crux Capacitor",
    "Slab Happens",
    "Gravity Bill",
    "Crimpossible",
    "Dyno Soar",
    "Chalk Is Cheap",
    "Heel Yeah",
    "Sloper Trooper",
    "Campus Mentis",
    "Silence, ça pousse",
    "Presque",
    "C'est l'œuf ou la poule",
    "Ñandú",
    "Überhang",
    "Fingerspitzengefühl",
    "Ça passe… ou pas",
    "Kłopot",
    "L’Œuvre",
];
const EMOJI: [&str; 12] = ["🔥", "🐸", "🧗", "💪", "🦎", "🍕", "👀", "🌵", "🎉", "😅", "🧗🏽‍♀️", "⚡️"];
const SYLLABLES: [&str; 30] = [
    "ka", "lo", "mi", "ru", "ta", "vel", "zo", "bri", "no", "sha", "pel", "ori", "dra", "fi", "gu", "lan",
    "mor", "ni", "pa", "qui", "ro", "sel", "tu", "va", "xi", "yo", "bé", "cho", "dou", "el",
];
const FIRST: [&str; 40] = [
    "Lina", "Théo", "Maëlle", "Hugo", "Inès", "Noé", "Zoé", "Loïc", "Chloé", "Rémi", "Anaïs", "Élio", "Jade",
    "Malo", "Nour", "Ylan", "Iris", "Soën", "Alba", "Tiago", "Mila", "Ewen", "Lou", "Sacha", "Kenza", "Gaël",
    "Romy", "Joris", "Naïa", "Timéo", "Luce", "Ulysse", "Ondine", "Marin", "Célia", "Basile", "Olga",
    "Imran", "Yuna", "Axel",
];
const SURNAME_START: [&str; 22] = [
    "Val", "Tar", "Bre", "Mor", "Cor", "Fon", "Gar", "Lum", "Nes", "Pla", "Quer", "Ros", "Sau", "Tre", "Ver",
    "Bel", "Cas", "Dor", "Esp", "Jul", "Kar", "Oli",
];
const SURNAME_END: [&str; 20] = [
    "vignol", "tessac", "landrou", "pérac", "molive", "zaguet", "bastou", "rivelle", "gouzon", "ternac",
    "quillat", "vézou", "doulan", "fargel", "nivoix", "cambrel", "sorbiac", "taillou", "huvel", "mirande",
];

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn invented_word(rng: &mut Rng) -> String {
    let word: String = (0..2 + rng.below(2)).map(|_| rng.pick(&SYLLABLES)).collect();
    capitalised(&word)
}

/// A noun with its article, the noun in small letters or not.
fn with_article((noun, feminine): (&str, bool)) -> String {
    let elided = noun.starts_with(['A', 'E', 'I', 'O', 'U', 'É']);
    match (elided, feminine) {
        (true, _) => format!("L'{noun}"),
        (false, true) => format!("La {noun}"),
        (false, false) => format!("Le {noun}"),
    }
}

/// A name for a climb, of 3 characters or more.
pub(crate) fn climb(rng: &mut Rng) -> String {
    let noun = rng.pick(&NOUNS);
    let adjective = rng.pick(&ADJECTIVES);
    let agreed = if noun.1 { adjective.1 } else { adjective.0 };
    let name = match rng.below(20) {
        0..=5 => format!("{} {agreed}", with_article(noun)),
        6..=9 => format!("{} {}", with_article(noun), rng.pick(&TAILS)),
        10 | 11 => format!("{} {}", noun.0, capitalised(agreed)),
        12 => rng.pick(&WHOLE).to_owned(),
        13 | 14 => format!("{} {}", invented_word(rng), rng.pick(&TAILS)),
        15 => format!("{} et {}", noun.0, rng.pick(&NOUNS).0),
        16 => format!("{} {}", invented_word(rng).to_uppercase(), 1 + rng.below(9)),
        17 => format!("{} style", invented_word(rng)),
        18 => format!("{} {agreed} {}", with_article(noun), rng.pick(&TAILS)),
        _ => format!("{} {}", invented_word(rng), invented_word(rng)),
    };
    if rng.chance(0.04) { format!("{name} {}", rng.pick(&EMOJI)) } else { name }
}

/// What makes a name that is taken another one.
pub(crate) fn variant(name: &str, number: usize) -> String {
    match number {
        1 => format!("{name} bis"),
        2 => format!("{name} (version dure)"),
        n => format!("{name} {n}"),
    }
}

/// First name and surname of an invented setter.
pub(crate) fn setter(rng: &mut Rng) -> String {
    format!("{} {}{}", rng.pick(&FIRST), rng.pick(&SURNAME_START), rng.pick(&SURNAME_END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_long_enough_for_stokt() {
        let mut rng = Rng::new(9);
        for _ in 0..2000 {
            let name = climb(&mut rng);
            assert!(name.chars().count() >= 3, "{name}");
        }
    }
}
