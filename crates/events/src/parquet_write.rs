//! Writes rows as a Parquet file.

use std::{fs::File, sync::Arc};

use parquet::{
    basic::{Compression, LogicalType, Repetition, TimeUnit, Type as PhysicalType, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, Int64Type},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::types::{Type, TypePtr},
};
use serde_json::{Map, Value};

/// Rows of a row group: what is kept in memory before it is written.
const GROUP_ROWS: usize = 16 * 1024;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A text; whatever else a value is becomes its text.
    Text,
    /// Texts.
    Texts,
    /// A whole number.
    Number,
    /// A point in time in UTC, from microseconds since 1970.
    Time,
    /// JSON.
    Json,
}

/// A file cannot be written as Parquet.
#[derive(Debug, thiserror::Error)]
#[error("Parquet cannot be written: {0}")]
pub struct ParquetWriteError(#[from] ParquetError);

/// Writes rows that have some of the columns; what a row lacks is null.
pub struct ParquetWriter {
    columns: Vec<(String, ColumnKind)>,
    rows: Vec<Map<String, Value>>,
    writer: SerializedFileWriter<File>,
}

impl ParquetWriter {
    /// A writer of a file with these columns, compressed with zstd.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(file: File, columns: Vec<(String, ColumnKind)>) -> Result<Self, ParquetWriteError> {
        let fields = columns.iter().map(|(name, kind)| field(name, *kind)).collect::<Result<Vec<TypePtr>, _>>()?;
        let schema = Type::group_type_builder("events").with_fields(fields).build()?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { columns, rows: Vec::new(), writer })
    }

    /// Adds a row. Keys that are no columns are left out.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, row: Map<String, Value>) -> Result<(), ParquetWriteError> {
        self.rows.push(row);
        if self.rows.len() == GROUP_ROWS { self.write_group() } else { Ok(()) }
    }

    /// Writes what is left, and the file's end.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<(), ParquetWriteError> {
        self.write_group()?;
        self.writer.close()?;
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), ParquetWriteError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (name, kind) in &self.columns {
            write_column(&mut group, *kind, self.rows.iter().map(|row| row.get(name)))?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }
}

fn field(name: &str, kind: ColumnKind) -> Result<TypePtr, ParquetError> {
    let leaf = |name: &str, physical, logical: Option<LogicalType>, repetition| {
        let builder = Type::primitive_type_builder(name, physical).with_repetition(repetition);
        builder.with_logical_type(logical).build().map(Arc::new)
    };
    let optional = Repetition::OPTIONAL;
    match kind {
        ColumnKind::Text => leaf(name, PhysicalType::BYTE_ARRAY, Some(LogicalType::String), optional),
        ColumnKind::Json => leaf(name, PhysicalType::BYTE_ARRAY, Some(LogicalType::Json), optional),
        ColumnKind::Number => leaf(name, PhysicalType::INT64, None, optional),
        ColumnKind::Time => {
            leaf(name, PhysicalType::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)), optional)
        }
        ColumnKind::Texts => {
            let element = leaf("element", PhysicalType::BYTE_ARRAY, Some(LogicalType::String), Repetition::REQUIRED)?;
            let list = Type::group_type_builder("list").with_repetition(Repetition::REPEATED);
            let list = list.with_fields(vec![element]).build()?;
            let outer = Type::group_type_builder(name).with_repetition(optional);
            outer.with_logical_type(Some(LogicalType::List)).with_fields(vec![Arc::new(list)]).build().map(Arc::new)
        }
    }
}

fn write_column<'v>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    kind: ColumnKind,
    values: impl Iterator<Item = Option<&'v Value>>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("the file has fewer columns than its rows".to_owned()));
    };
    let values = values.map(|value| value.filter(|value| !value.is_null()));
    match kind {
        ColumnKind::Text | ColumnKind::Json => {
            let (mut texts, mut levels) = (Vec::new(), Vec::new());
            for value in values {
                levels.push(i16::from(value.is_some()));
                texts.extend(value.map(|value| bytes(value, kind)));
            }
            column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
        }
        ColumnKind::Number | ColumnKind::Time => {
            let (mut numbers, mut levels) = (Vec::new(), Vec::new());
            for value in values.map(|value| value.and_then(Value::as_i64)) {
                levels.push(i16::from(value.is_some()));
                numbers.extend(value);
            }
            column.typed::<Int64Type>().write_batch(&numbers, Some(&levels), None)?;
        }
        ColumnKind::Texts => {
            /// Levels of a row without a list, of an empty list, and of an element.
            const NONE: i16 = 0;
            const EMPTY: i16 = 1;
            const ELEMENT: i16 = 2;
            let (mut texts, mut levels, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
            for value in values {
                let items = match value {
                    Some(Value::Array(items)) => items.as_slice(),
                    Some(value) => std::slice::from_ref(value),
                    None => &[],
                };
                if items.is_empty() {
                    levels.push(if value.is_some() { EMPTY } else { NONE });
                    repeated.push(0);
                }
                for (at, item) in items.iter().enumerate() {
                    levels.push(ELEMENT);
                    repeated.push(i16::from(at > 0));
                    texts.push(bytes(item, kind));
                }
            }
            column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), Some(&repeated))?;
        }
    }
    column.close()
}

fn bytes(value: &Value, kind: ColumnKind) -> ByteArray {
    match value {
        Value::String(text) if kind != ColumnKind::Json => ByteArray::from(text.as_str()),
        other => ByteArray::from(other.to_string().as_str()),
    }
}
