//! The closed set of values that may be bound to a statement.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::Arguments as _;
use sqlx::mysql::MySqlArguments;
use sqlx::sqlite::SqliteArguments;

/// A value bound to a statement, in the one form both engines understand.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// BIGINT.
    Int(i64),
    /// DOUBLE.
    Float(f64),
    /// Any text column.
    Text(String),
    /// Any binary column.
    Bytes(Vec<u8>),
    /// DATETIME(6), UTC.
    Time(DateTime<Utc>),
    /// DATE.
    Date(NaiveDate),
}

macro_rules! value_from {
    ($($kind:ty => |$v:ident| $make:expr;)*) => {$(
        impl From<$kind> for Value {
            fn from($v: $kind) -> Self {
                $make
            }
        }
    )*};
}

value_from! {
    bool => |v| Value::Bool(v);
    i64 => |v| Value::Int(v);
    i32 => |v| Value::Int(v.into());
    u32 => |v| Value::Int(v.into());
    f64 => |v| Value::Float(v);
    String => |v| Value::Text(v);
    &String => |v| Value::Text(v.clone());
    &str => |v| Value::Text(v.to_owned());
    Vec<u8> => |v| Value::Bytes(v);
    DateTime<Utc> => |v| Value::Time(v);
    NaiveDate => |v| Value::Date(v);
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The driver's own argument list.
pub(super) fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(None::<String>),
            Value::Bool(v) => arguments.add(v),
            Value::Int(v) => arguments.add(v),
            Value::Float(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v),
            Value::Bytes(v) => arguments.add(v),
            Value::Time(v) => arguments.add(v),
            Value::Date(v) => arguments.add(v),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// The driver's own argument list.
pub(super) fn mysql_arguments(values: Vec<Value>) -> Result<MySqlArguments, sqlx::Error> {
    let mut arguments = MySqlArguments::default();
    for value in values {
        match value {
            Value::Null => arguments.add(None::<String>),
            Value::Bool(v) => arguments.add(v),
            Value::Int(v) => arguments.add(v),
            Value::Float(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v),
            Value::Bytes(v) => arguments.add(v),
            Value::Time(v) => arguments.add(v),
            Value::Date(v) => arguments.add(v),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
