//! Enums whose members have names, and what else belongs to each of them.

/// An enum whose members have one name each, in data and on the command line.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$member_doc:meta])* $member:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $type { $($(#[$member_doc])* #[serde(rename = $name)] $member,)+ }

        impl $type {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$(Self::$member),+];

            /// The name in data.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$member => $name),+ }
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let names = Self::ALL.iter().map(|member| member.name());
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .enum_values(Some(names))
                    .build()
                    .into()
            }
        }

        #[cfg(feature = "schema")]
        impl utoipa::ToSchema for $type {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$member),)+
                    _ => Err(format!("`{name}` is none of {}", [$($name),+].join(", "))),
                }
            }
        }
    };
}
pub(crate) use named;

/// An enum whose members each have a descriptor: a member without one, or without one of its fields, does not compile.
macro_rules! described {
    ($(#[$doc:meta])* $type:ident is $info:ident {
        $($(#[$member_doc:meta])* $member:ident = $name:literal { $($field:ident: $value:expr,)+ })+
    }) => {
        named! { $(#[$doc])* $type { $($(#[$member_doc])* $member = $name,)+ } }

        impl $type {
            /// Everything that is known of the member.
            #[must_use]
            pub const fn info(self) -> &'static $info {
                match self {
                    $(Self::$member => const { &$info { $($field: $value,)+ } },)+
                }
            }
        }
    };
}
pub(crate) use described;
