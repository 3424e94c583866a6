use ruleatlas_model::AttackDomain;
use serde::Deserialize;

/// Larger files are no layer that anyone drew.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A layer of the ATT&CK Navigator as one reads it: which techniques it marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadLayer {
    /// What the Navigator's tab says.
    pub name: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// The version of ATT&CK that it was drawn on, as the file says.
    pub attack_version: Option<String>,
    /// The marked techniques' ids as written, each once, in order.
    pub techniques: Vec<String>,
}

/// What of a layer matters here; the format is described at
/// <https://github.com/mitre-attack/attack-navigator/tree/master/layers>.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    name: String,
    domain: Option<String>,
    versions: Option<Versions>,
    /// Of formats before 4.
    version: Option<serde_json::Value>,
    techniques: Option<Vec<RawTechnique>>,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    attack: Option<serde_json::Value>,
    #[serde(default)]
    layer: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct RawTechnique {
    #[serde(rename = "techniqueID", default)]
    id: String,
    #[serde(default)]
    score: Option<f64>,
    #[serde(default)]
    color: Option<String>,
    #[serde(default)]
    comment: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
}

impl RawTechnique {
    /// Whether its author marked it: by a score above nothing, or else by a colour or comment.
    fn is_marked(&self) -> bool {
        let has = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        match self.score {
            Some(score) => score > 0.0,
            None => has(&self.color) || has(&self.comment),
        }
    }
}

impl ReadLayer {
    /// [`parse_all`](Self::parse_all) of a file's bytes, UTF-8 or UTF-16.
    ///
    /// # Errors
    /// As of [`parse_all`](Self::parse_all), or the bytes are no text.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>, String> {
        if bytes.len() > 2 * MAX_BYTES {
            return Err(format!("the file is larger than {} MiB, and no layer", MAX_BYTES / 1024 / 1024));
        }
        let decoded = ruleatlas_sources::decode(bytes.to_vec()).map_err(|error| error.to_string())?;
        Self::parse_all(&decoded.text)
    }

    /// Reads a file of the Navigator's: a layer, or the list of layers that "download all layers" gives.
    ///
    /// # Errors
    /// As [`ReadLayer::parse`] has it; of a list, it says which layer it is.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        const MAX_LAYERS: usize = 256;
        let start = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
        if !start.starts_with('[') || text.len() > MAX_BYTES {
            return Self::parse(text).map(|layer| vec![layer]);
        }
        let layers: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(start).map_err(|error| format!("it is no JSON: {error}"))?;
        if layers.is_empty() || layers.len() > MAX_LAYERS {
            return Err(format!("it is a list of {} layers; 1 to {MAX_LAYERS} are read", layers.len()));
        }
        let read = (1..)
            .zip(layers)
            .map(|(at, layer)| Self::parse(layer.get()).map_err(|why| format!("layer {at} of the list: {why}")));
        read.collect()
    }

    /// Reads a layer of format 4.x. Techniques count that the layer marks: those with a score above 0, and without a
    /// score those with a colour or comment; where it marks none so, all that it lists and does not disable.
    ///
    /// # Errors
    /// What is wrong with the file, in a sentence: it is no JSON, no layer, of another format, or of another domain.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("the file is larger than {} MiB, and no layer", MAX_BYTES / 1024 / 1024));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let raw: Raw = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => format!("it is no layer of the ATT&CK Navigator: {error}"),
            _ => format!("it is no JSON: {error}"),
        })?;
        let version = raw.versions.as_ref().and_then(|versions| versions.layer.as_ref()).or(raw.version.as_ref());
        match version.map(plain) {
            Some(version) if version.split('.').next() == Some("4") => {}
            Some(version) => {
                return Err(format!(
                    "it is a layer of format {version}, and formats 4.x are read; open it in the ATT&CK Navigator and save it anew"
                ));
            }
            None => {
                return Err("it is no layer of the ATT&CK Navigator: it does not say its format's version".to_owned());
            }
        }
        let domain = raw.domain.as_deref().unwrap_or("enterprise-attack");
        let known = [AttackDomain::Enterprise, AttackDomain::Mobile, AttackDomain::Ics];
        let domain =
            known.into_iter().find(|known| domain.strip_suffix("-attack") == Some(known.name())).ok_or_else(|| {
                format!(
                    "it is a layer of the domain `{domain}`; enterprise-attack, mobile-attack and ics-attack are read"
                )
            })?;
        let listed = raw.techniques.ok_or("it is no layer of the ATT&CK Navigator: it has no list of techniques")?;
        let enabled = || listed.iter().filter(|technique| technique.enabled != Some(false));
        let mut techniques: Vec<String> =
            enabled().filter(|technique| technique.is_marked()).map(|technique| technique.id.clone()).collect();
        if techniques.is_empty() {
            techniques = enabled().map(|technique| technique.id.clone()).collect();
        }
        for id in &mut techniques {
            *id = id.trim().to_ascii_uppercase();
        }
        techniques.retain(|id| !id.is_empty());
        techniques.sort_unstable();
        techniques.dedup();
        let attack_version = raw.versions.and_then(|versions| versions.attack).as_ref().map(plain);
        Ok(Self { name: raw.name, domain, attack_version, techniques })
    }
}

/// A version, whether it is written as text or number.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(techniques: &str) -> String {
        format!(
            r#"{{"name": "Mine", "domain": "enterprise-attack", "versions": {{"attack": "16", "layer": "4.5"}},
               "techniques": {techniques}}}"#
        )
    }

    #[test]
    fn all_layers_of_the_navigator_are_read_from_one_file() {
        let (one, two) =
            (layer(r#"[{"techniqueID": "T1003", "score": 1}]"#), layer(r#"[{"techniqueID": "T1059", "score": 1}]"#));
        let ids = |text: &str| {
            let layers = ReadLayer::parse_all(text).unwrap();
            layers.into_iter().map(|layer| layer.techniques.concat()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&one), ["T1003"]);
        assert_eq!(ids(&format!("\u{feff}\n[{one}, {two}]")), ["T1003", "T1059"]);
        let error = ReadLayer::parse_all(&format!("[{one}, 5]")).unwrap_err();
        assert!(error.starts_with("layer 2 of the list: "), "{error}");
        assert!(ReadLayer::parse_all("[]").unwrap_err().contains("a list of 0 layers"));
        assert!(ReadLayer::parse_all("[").unwrap_err().contains("no JSON"));
    }

    #[test]
    fn what_a_layer_marks_counts() {
        for (techniques, expected) in [
            (
                r#"[{"techniqueID": "T1003", "score": 2}, {"techniqueID": "T1059", "score": 0}, {"techniqueID": "T1071"}]"#,
                "T1003",
            ),
            (r##"[{"techniqueID": "t1059", "color": "#ff0000"}, {"techniqueID": "T1003", "comment": " "}]"##, "T1059"),
            (
                r#"[{"techniqueID": "T1059", "score": 5, "enabled": false}, {"techniqueID": "T1003", "tactic": "x", "score": 1.5},
                 {"techniqueID": "T1003", "tactic": "y", "score": 1}]"#,
                "T1003",
            ),
            (r#"[{"techniqueID": "T1059"}, {"techniqueID": "T1003", "score": null}]"#, "T1003 T1059"),
            ("[]", ""),
        ] {
            let read = ReadLayer::parse(&layer(techniques)).unwrap();
            assert_eq!(read.techniques.join(" "), expected);
            assert_eq!((read.name.as_str(), read.attack_version.as_deref()), ("Mine", Some("16")));
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let good = layer("[]");
        for (text, part) in [
            ("{", "no JSON"),
            ("[]", "no layer"),
            ("{}", "does not say its format"),
            (r#"{"version": "3.0", "techniques": []}"#, "format 3.0"),
            (r#"{"versions": {"layer": 5}, "techniques": []}"#, "format 5"),
            (r#"{"versions": {"layer": "4.5"}, "domain": "atlas", "techniques": []}"#, "domain `atlas`"),
            (r#"{"versions": {"layer": "4.5"}}"#, "no list of techniques"),
            (r#"{"versions": {"layer": "4.5"}, "techniques": [1]}"#, "no layer"),
        ] {
            let error = ReadLayer::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert_eq!(ReadLayer::parse(&format!("\u{feff}{good}")).unwrap().domain, AttackDomain::Enterprise);
    }
}
