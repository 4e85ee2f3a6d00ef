//! The rows of a row group, as columns.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use timberline_model::NewEvent;

use crate::Result;
use crate::export::Columns;
use crate::export::columns::{REST_COLUMN, ValueType, plain, type_of};

/// What a value takes in addition to its bytes.
const VALUE_BYTES: usize = 48;

/// Values of one type.
enum Values {
    Booleans(Vec<bool>),
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Texts(Vec<ByteArray>),
}

/// A column of a row group.
struct Buffer {
    name: String,
    logical: Option<LogicalType>,
    values: Values,
    /// For each row whether there is a value; `None`: there always is.
    present: Option<Vec<i16>>,
}

/// Rows that wait to be written.
pub(super) struct Group {
    columns: Arc<Columns>,
    /// `bucket` if wanted, then `id`, `timestamp`, `duration_ns`.
    fixed: Vec<Buffer>,
    keys: Vec<(Buffer, ValueType)>,
    rest: Buffer,
    rows: usize,
    bytes: usize,
    rest_text: String,
    with_bucket: bool,
}

impl Group {
    pub(super) fn new(columns: Arc<Columns>, with_bucket: bool) -> Group {
        let mut fixed = Vec::new();
        if with_bucket {
            fixed.push(Buffer::texts("bucket", LogicalType::String, false));
        }
        let integers = |name: &str, logical, may_be_null: bool| {
            Buffer::new(name, logical, Values::Integers(Vec::new()), may_be_null)
        };
        fixed.push(integers("id", None, true));
        fixed.push(integers(
            "timestamp",
            Some(LogicalType::timestamp(true, TimeUnit::NANOS)),
            false,
        ));
        fixed.push(integers("duration_ns", None, false));
        let keys = columns.all().iter().map(|column| {
            // What was not surveyed may be anything.
            let type_ = column.type_.unwrap_or(ValueType::Json);
            let buffer = match type_ {
                ValueType::Boolean => Buffer::new(&column.name, None, Values::Booleans(Vec::new()), true),
                ValueType::Integer => integers(&column.name, None, true),
                ValueType::Float => Buffer::new(&column.name, None, Values::Floats(Vec::new()), true),
                ValueType::Text => Buffer::texts(&column.name, LogicalType::String, true),
                ValueType::Json => Buffer::texts(&column.name, LogicalType::Json, true),
            };
            (buffer, type_)
        });
        Group {
            keys: keys.collect(),
            columns,
            fixed,
            rest: Buffer::texts(REST_COLUMN, LogicalType::Json, true),
            rows: 0,
            bytes: 0,
            rest_text: String::new(),
            with_bucket,
        }
    }

    pub(super) fn schema(&self) -> Result<TypePtr> {
        let mut fields = Vec::new();
        for buffer in self.buffers() {
            fields.push(Arc::new(buffer.schema()?));
        }
        let root = Type::group_type_builder("event").with_fields(fields).build()?;
        Ok(Arc::new(root))
    }

    fn buffers(&self) -> impl Iterator<Item = &Buffer> {
        self.fixed
            .iter()
            .chain(self.keys.iter().map(|(buffer, _)| buffer))
            .chain([&self.rest])
    }

    fn buffers_mut(&mut self) -> impl Iterator<Item = &mut Buffer> {
        self.fixed
            .iter_mut()
            .chain(self.keys.iter_mut().map(|(buffer, _)| buffer))
            .chain([&mut self.rest])
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// An estimate, not below.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn push(&mut self, bucket: &str, event: &NewEvent<'_>) {
        self.rows += 1;
        let mut fixed = self.fixed.iter_mut();
        if self.with_bucket
            && let Some(buffer) = fixed.next()
        {
            buffer.push_text(bucket);
            self.bytes += VALUE_BYTES + bucket.len();
        }
        let id = event.id.and_then(|id| i64::try_from(id.0).ok());
        for (buffer, value) in fixed.zip([id, Some(event.start.nanos()), Some(event.duration.nanos())]) {
            buffer.push_integer(value);
        }
        let mut cells = Vec::new();
        let keys = &self.keys;
        self.columns
            .split(&event.data, &mut cells, &mut self.rest_text, |column, value| {
                keys.get(column).is_some_and(|(_, type_)| fits(*type_, value))
            });
        for ((buffer, type_), cell) in self.keys.iter_mut().zip(cells) {
            buffer.push(*type_, cell);
        }
        match self.rest_text.is_empty() {
            true => self.rest.push_null(),
            false => self.rest.push_text(&self.rest_text),
        }
        self.bytes += event.data.len() + VALUE_BYTES * (self.keys.len() + 4);
    }

    /// Writes the rows, and forgets them.
    pub(super) fn write<W: Write + Send>(&mut self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = file.next_row_group()?;
        for buffer in self.buffers_mut() {
            if let Some(mut column) = group.next_column()? {
                buffer.write(&mut column)?;
                column.close()?;
            }
        }
        group.close()?;
        self.rows = 0;
        self.bytes = 0;
        Ok(())
    }
}

fn fits(type_: ValueType, value: &str) -> bool {
    match (type_, type_of(value)) {
        (ValueType::Json, _) => true,
        (ValueType::Float, Some(ValueType::Integer | ValueType::Float)) => true,
        (type_, found) => Some(type_) == found,
    }
}

impl Buffer {
    fn new(name: &str, logical: Option<LogicalType>, values: Values, may_be_null: bool) -> Buffer {
        Buffer {
            name: name.to_owned(),
            logical,
            values,
            present: may_be_null.then(Vec::new),
        }
    }

    fn texts(name: &str, logical: LogicalType, may_be_null: bool) -> Buffer {
        Buffer::new(name, Some(logical), Values::Texts(Vec::new()), may_be_null)
    }

    fn schema(&self) -> Result<Type> {
        let physical = match self.values {
            Values::Booleans(_) => Physical::BOOLEAN,
            Values::Integers(_) => Physical::INT64,
            Values::Floats(_) => Physical::DOUBLE,
            Values::Texts(_) => Physical::BYTE_ARRAY,
        };
        let repetition = if self.present.is_some() {
            Repetition::OPTIONAL
        } else {
            Repetition::REQUIRED
        };
        let type_ = Type::primitive_type_builder(&self.name, physical)
            .with_repetition(repetition)
            .with_logical_type(self.logical.clone());
        Ok(type_.build()?)
    }

    fn note(&mut self, is_present: bool) {
        if let Some(present) = &mut self.present {
            present.push(i16::from(is_present));
        }
    }

    fn push_null(&mut self) {
        debug_assert!(
            self.present.is_some(),
            "column {} has a value in every row",
            self.name
        );
        self.note(false);
    }

    fn push_text(&mut self, text: &str) {
        self.note(true);
        match &mut self.values {
            Values::Texts(values) => values.push(ByteArray::from(text.as_bytes().to_vec())),
            _ => debug_assert!(false, "column {} has no texts", self.name),
        }
    }

    fn push_integer(&mut self, value: Option<i64>) {
        self.note(value.is_some());
        match &mut self.values {
            Values::Integers(values) => values.extend(value),
            _ => debug_assert!(false, "column {} has no integers", self.name),
        }
    }

    /// Takes a JSON value that fits.
    fn push(&mut self, type_: ValueType, cell: Option<&str>) {
        let Some(cell) = cell else {
            return self.push_null();
        };
        match (&mut self.values, type_) {
            (Values::Booleans(values), _) => values.push(cell == "true"),
            (Values::Integers(values), _) => values.push(cell.parse().unwrap_or_default()),
            (Values::Floats(values), _) => values.push(cell.parse().unwrap_or_default()),
            (Values::Texts(_), ValueType::Text) => return self.push_text(&plain(cell)),
            (Values::Texts(_), _) => return self.push_text(cell),
        }
        self.note(true);
    }

    fn write(&mut self, column: &mut SerializedColumnWriter<'_>) -> Result<()> {
        let present = self.present.as_deref();
        match &mut self.values {
            Values::Booleans(values) => {
                column.typed::<BoolType>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Integers(values) => {
                column.typed::<Int64Type>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Floats(values) => {
                column.typed::<DoubleType>().write_batch(values, present, None)?;
                values.clear();
            }
            Values::Texts(values) => {
                column
                    .typed::<ByteArrayType>()
                    .write_batch(values, present, None)?;
                values.clear();
            }
        }
        if let Some(present) = &mut self.present {
            present.clear();
        }
        Ok(())
    }
}
