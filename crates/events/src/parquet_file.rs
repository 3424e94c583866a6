//! Parquet files, where the feature `parquet` is on.

#[cfg(feature = "parquet")]
pub(crate) use reading::read;

#[cfg(not(feature = "parquet"))]
pub(crate) fn read(name: &str, _: crate::archive::Stored, sink: crate::read::Sink<'_>) -> bool {
    let message = "a Parquet file, which this build does not read: released programs do, and so does \
                   `cargo install --path crates/cli --features parquet`; CSV or JSON Lines are read by all";
    crate::read::problem(name, None, message, sink)
}

#[cfg(feature = "parquet")]
mod reading {
    use std::{
        fs::File,
        panic::{AssertUnwindSafe, catch_unwind},
        sync::Arc,
    };

    use jiff::{SignedDuration, Timestamp, civil};
    use parquet::{
        basic::{ConvertedType, LogicalType, TimeUnit, Type as PhysicalType},
        data_type::Decimal,
        file::{
            metadata::RowGroupMetaData,
            reader::{ChunkReader, FileReader, SerializedFileReader},
        },
        record::{
            Field, Row,
            reader::{ReaderIter, TreeBuilder},
        },
        schema::types::{SchemaDescriptor, Type, TypePtr},
    };
    use serde_json::{Map, Number, Value};

    use crate::{
        archive::Stored,
        part::Part,
        read::{Record, Sink, causes, problem},
    };

    /// Groups inside of each other that are read.
    const MAX_DEPTH: usize = 32;
    /// A larger part of a row group would take too much memory at once.
    const MAX_COLUMN_BYTES: i64 = 1024 * 1024 * 1024;
    /// Rows of a column that are decoded at a time.
    const BATCH_ROWS: usize = 256;

    /// Hands every row of a Parquet file to `sink` as an object.
    pub(crate) fn read(name: &str, stored: Stored, sink: Sink<'_>) -> bool {
        match stored {
            Stored::File(file) => read_chunks::<File>(name, file, sink),
            Stored::Memory(bytes) => read_chunks(name, bytes::Bytes::from(bytes.into_inner()), sink),
        }
    }

    fn read_chunks<C: ChunkReader + 'static>(name: &str, chunks: C, sink: Sink<'_>) -> bool {
        let reader = match guarded(|| SerializedFileReader::new(chunks)) {
            Ok(reader) => reader,
            Err(message) => return problem(name, None, format!("not readable as Parquet: {message}"), sink),
        };
        let schema = reader.metadata().file_metadata().schema_descr();
        let (root, left_out) = readable(schema.root_schema());
        for why in left_out {
            if !problem(name, None, why, sink) {
                return false;
            }
        }
        let Some(root) = root else { return problem(name, None, "no column of the file can be read", sink) };
        let root = Arc::new(root);
        let schema = Arc::new(SchemaDescriptor::new(Arc::clone(&root)));
        let file: Arc<str> = name.into();
        let mut number = 0;
        for at in 0..reader.num_row_groups() {
            let first = number;
            let metadata = reader.metadata().row_group(at);
            let rows = u64::try_from(metadata.num_rows()).unwrap_or_default();
            let goes_on = match row_group(&reader, at, &schema) {
                Ok(mut records) => give_rows(&mut records, &root, &file, &mut number, sink),
                Err(message) => problem(name, None, format!("row group {} is skipped: {message}", at + 1), sink),
            };
            if !goes_on {
                return false;
            }
            // Rows keep their numbers whatever was skipped before them.
            number = first.saturating_add(rows);
        }
        true
    }

    fn row_group<C: ChunkReader + 'static>(
        reader: &SerializedFileReader<C>,
        at: usize,
        schema: &Arc<SchemaDescriptor>,
    ) -> Result<ReaderIter, String> {
        check_size(reader.metadata().row_group(at))?;
        guarded(|| {
            let group = reader.get_row_group(at)?;
            TreeBuilder::new().with_batch_size(BATCH_ROWS).as_iter(Arc::clone(schema), &*group)
        })
    }

    fn check_size(metadata: &RowGroupMetaData) -> Result<(), String> {
        let large = metadata.columns().iter().find(|column| column.uncompressed_size() > MAX_COLUMN_BYTES);
        match large {
            Some(column) => Err(format!("column {} has more than 1 GiB in it", column.column_path())),
            None => Ok(()),
        }
    }

    fn give_rows(records: &mut ReaderIter, root: &Type, file: &Arc<str>, number: &mut u64, sink: Sink<'_>) -> bool {
        loop {
            let row = match guarded(|| records.next().transpose()) {
                Ok(Some(row)) => row,
                Ok(None) => return true,
                Err(message) => {
                    // The columns no longer stand on the same row: what follows would mix values of different rows.
                    let message = format!("record {}: {message}; the rest of its row group is skipped", *number + 1);
                    return problem(file, None, message, sink);
                }
            };
            *number += 1;
            let value = Value::Object(group(row, root, MAX_DEPTH));
            if !sink(Part::Item(Ok(Record { file: Arc::clone(file), number: *number, line: None, value }))) {
                return false;
            }
        }
    }

    /// What the decoder gives; it panics on some damage, which is an error as any other.
    fn guarded<T>(decode: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T, String> {
        match catch_unwind(AssertUnwindSafe(decode)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(causes(&error)),
            Err(_) => Err("the Parquet decoder failed".to_owned()),
        }
    }

    /// The schema without columns of types that are not read, and what is said of those.
    fn readable(root: &Type) -> (Option<Type>, Vec<String>) {
        let mut left_out = Vec::new();
        let fields = root.get_fields().iter().filter_map(|field| {
            let odd = odd_type(field, MAX_DEPTH);
            if let Some(why) = &odd {
                left_out.push(format!("the column {} is not read: {why}", field.name()));
            }
            odd.is_none().then(|| TypePtr::clone(field))
        });
        let fields: Vec<TypePtr> = fields.collect();
        if fields.is_empty() {
            return (None, left_out);
        }
        (Type::group_type_builder(root.name()).with_fields(fields).build().ok(), left_out)
    }

    /// Why a column cannot be read, if so.
    fn odd_type(field: &Type, depth: usize) -> Option<String> {
        if depth == 0 {
            return Some(format!("more than {MAX_DEPTH} groups inside of each other"));
        }
        if field.is_group() {
            if field.get_fields().is_empty() {
                return Some("a group without columns".to_owned());
            }
            return field.get_fields().iter().find_map(|inner| odd_type(inner, depth - 1));
        }
        match field.get_basic_info().converted_type() {
            ConvertedType::INTERVAL => Some("its type is INTERVAL".to_owned()),
            ConvertedType::LIST | ConvertedType::MAP | ConvertedType::MAP_KEY_VALUE => {
                Some("a list or map that is a single value".to_owned())
            }
            _ => None,
        }
    }

    fn group(row: Row, kind: &Type, depth: usize) -> Map<String, Value> {
        let columns = row.into_columns().into_iter();
        let kinds = kind.get_fields().iter().map(Some).chain(std::iter::repeat(None));
        columns
            .zip(kinds)
            .filter(|((_, field), _)| *field != Field::Null)
            .map(|((name, field), kind)| (name, value(field, kind.map(|kind| &**kind), depth)))
            .collect()
    }

    /// A value as JSON; `kind` is the part of the schema that it belongs to.
    fn value(field: Field, kind: Option<&Type>, depth: usize) -> Value {
        if depth == 0 {
            return Value::Null;
        }
        let float = |number: f64| Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number);
        match field {
            Field::Null => Value::Null,
            Field::Bool(value) => value.into(),
            Field::Byte(number) => number.into(),
            Field::Short(number) => number.into(),
            Field::Int(number) => number.into(),
            Field::Long(number) => long(number, kind),
            Field::UByte(number) => number.into(),
            Field::UShort(number) => number.into(),
            Field::UInt(number) => number.into(),
            Field::ULong(number) => number.into(),
            Field::Float16(number) => float(f64::from(number)),
            // The shortest digits that mean the same 32 bits, as people expect 0.1 and not 0.10000000149.
            Field::Float(number) => float(number.to_string().parse().unwrap_or_else(|_| f64::from(number))),
            Field::Double(number) => float(number),
            Field::Decimal(number) => decimal(&number),
            Field::Str(text) => text.into(),
            Field::Bytes(bytes) => binary(bytes.data(), kind),
            Field::Date(days) => date(days),
            Field::TimeMillis(millis) => time_of_day(i64::from(millis).saturating_mul(1_000_000)),
            Field::TimeMicros(micros) => time_of_day(micros.saturating_mul(1_000)),
            Field::TimestampMillis(millis) => timestamp(Timestamp::from_millisecond(millis), millis, kind),
            Field::TimestampMicros(micros) => timestamp(Timestamp::from_microsecond(micros), micros, kind),
            Field::Group(row) => match kind {
                Some(kind) if kind.is_group() => group(row, kind, depth - 1).into(),
                _ => {
                    row.into_columns().into_iter().map(|(name, field)| (name, value(field, None, depth - 1))).collect()
                }
            },
            Field::ListInternal(list) => {
                let inner = kind.and_then(element);
                list.elements().iter().map(|item| value(item.clone(), inner, depth - 1)).collect()
            }
            Field::MapInternal(map) => {
                let inner = kind.and_then(|kind| kind.get_fields().first()?.get_fields().get(1)).map(|kind| &**kind);
                let entries = map.entries().iter().map(|(key, item)| {
                    let key = match value(key.clone(), None, depth - 1) {
                        Value::String(key) => key,
                        other => other.to_string(),
                    };
                    (key, value(item.clone(), inner, depth - 1))
                });
                Value::Object(entries.collect())
            }
        }
    }

    /// What the elements of a list are, in the forms that the format's history left.
    fn element(list: &Type) -> Option<&Type> {
        if list.is_primitive() || list.get_basic_info().converted_type() != ConvertedType::LIST {
            return Some(list);
        }
        let repeated = list.get_fields().first()?;
        let is_element = repeated.is_primitive()
            || repeated.get_fields().len() > 1
            || repeated.name() == "array"
            || repeated.name().ends_with("_tuple");
        if is_element { Some(repeated) } else { repeated.get_fields().first().map(|kind| &**kind) }
    }

    fn logical(kind: Option<&Type>) -> Option<&LogicalType> {
        kind?.get_basic_info().logical_type_ref()
    }

    /// Nanoseconds have no converted type of the older kind, by which the decoder goes.
    fn long(number: i64, kind: Option<&Type>) -> Value {
        match logical(kind) {
            Some(LogicalType::Timestamp(kind_of_time)) if kind_of_time.unit == TimeUnit::NANOS => {
                timestamp(Timestamp::from_nanosecond(i128::from(number)), number, kind)
            }
            Some(LogicalType::Time(kind_of_time)) if kind_of_time.unit == TimeUnit::NANOS => time_of_day(number),
            _ => number.into(),
        }
    }

    /// A point in time; where the column says that it is local to no zone, without one.
    fn timestamp(read: Result<Timestamp, jiff::Error>, number: i64, kind: Option<&Type>) -> Value {
        let is_local = matches!(logical(kind), Some(LogicalType::Timestamp(time)) if !time.is_adjusted_to_u_t_c);
        match read {
            Ok(time) if is_local => time.to_zoned(jiff::tz::TimeZone::UTC).datetime().to_string().into(),
            Ok(time) => time.to_string().into(),
            // Beyond the years that a calendar has.
            Err(_) => number.into(),
        }
    }

    fn date(days: i32) -> Value {
        let date = civil::date(1970, 1, 1).checked_add(SignedDuration::from_hours(i64::from(days) * 24));
        date.map_or_else(|_| days.into(), |date| date.to_string().into())
    }

    fn time_of_day(nanos: i64) -> Value {
        let time = civil::Time::midnight().checked_add(SignedDuration::from_nanos(nanos));
        time.map_or_else(|_| nanos.into(), |time| time.to_string().into())
    }

    /// The digits of a decimal number, as a number where JSON's readers keep them all.
    fn decimal(number: &Decimal) -> Value {
        let Some(unscaled) = big_endian(number.data()) else { return hex(number.data()).into() };
        let scale = number.scale();
        let digits = unscaled.unsigned_abs().to_string();
        let sign = if unscaled < 0 { "-" } else { "" };
        let Ok(places) = usize::try_from(scale) else {
            return format!("{sign}{digits}e{}", scale.unsigned_abs()).into();
        };
        if places == 0 {
            return i64::try_from(unscaled).map_or_else(|_| format!("{sign}{digits}").into(), Value::from);
        }
        if places > MAX_SCALE {
            return format!("{sign}{digits}e-{places}").into();
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, part) = padded.split_at(padded.len() - places);
        let text = format!("{sign}{whole}.{part}");
        let is_exact = digits.len() <= 15;
        let read = is_exact.then(|| text.parse().ok()).flatten().and_then(Number::from_f64);
        read.map_or_else(|| text.into(), Value::Number)
    }

    /// Places behind the point that are written out.
    const MAX_SCALE: usize = 100;

    /// A signed number of up to 16 bytes.
    fn big_endian(bytes: &[u8]) -> Option<i128> {
        if bytes.is_empty() || bytes.len() > 16 {
            return None;
        }
        let start = if bytes[0] & 0x80 == 0 { 0 } else { -1 };
        Some(bytes.iter().fold(start, |number: i128, byte| (number << 8) | i128::from(*byte)))
    }

    /// Bytes that are a text where they read as one: older writers do not mark texts.
    fn binary(bytes: &[u8], kind: Option<&Type>) -> Value {
        let is_fixed = kind
            .is_some_and(|kind| kind.is_primitive() && kind.get_physical_type() == PhysicalType::FIXED_LEN_BYTE_ARRAY);
        if logical(kind) == Some(&LogicalType::Uuid) && bytes.len() == 16 {
            let digits = hex(bytes);
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            return parts.join("-").into();
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if !is_fixed => text.into(),
            _ => hex(bytes).into(),
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
