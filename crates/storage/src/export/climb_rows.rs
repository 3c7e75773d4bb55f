//! Climbs as an import would bring them: the query, with its filter left open, and the records made of its rows.

use super::*;

macro_rules! climb_rows {
    ($conn:ident, $filter:expr) => {{
        let rows: Vec<ClimbRow> = on_backend!($conn, |c| c_::table
            .inner_join(f_::table.on(f_::id.eq(c_::face_id)))
            .inner_join(g_::table.on(g_::id.eq(f_::gym_id)))
            .left_join(u_::table.on(c_::setter_id.eq(u_::id.nullable())))
            .filter($filter)
            .filter(c_::stokt_id.is_not_null())
            .order(c_::stokt_id.asc())
            .select((
                c_::id,
                c_::stokt_id,
                f_::stokt_id,
                u_::stokt_id.nullable(),
                c_::name,
                (c_::holds_list, c_::mirror_holds_list),
                (c_::grade_font, c_::grade_ircra, c_::grade_hueco, c_::grade_dankyu),
                c_::feet_rule,
                c_::description,
                (c_::is_private, c_::is_benchmark),
                (c_::climbed_by, c_::total_likes, c_::total_comments),
                c_::tags,
                c_::circuit,
                c_::angle,
                c_::created_at,
            ))
            .load(c))?;
        rows
    }};
}

#[derive(Queryable)]
pub(super) struct ClimbRow {
    id: Id,
    stokt_id: Option<Id>,
    face_stokt_id: Option<Id>,
    setter_stokt_id: Option<Id>,
    name: String,
    lists: (String, String),
    grade: (Option<String>, Option<f64>, Option<String>, Option<String>),
    feet_rule: Option<String>,
    description: Option<String>,
    flags: (bool, bool),
    counts: (i32, i32, i32),
    tags: String,
    circuit: String,
    angle: String,
    created_at: Time,
}

/// The records that these rows and what is kept beside them make.
pub(super) fn climbs_of(
    conn: &mut ReadConn<'_>,
    rows: Vec<ClimbRow>,
    account: Option<StoktId>,
) -> Result<Vec<ImportClimb>, StoreError> {
    let mut extras = Extras::load(conn, EntityKind::Climb, texts(rows.iter().map(|row| &row.stokt_id)))?;
    let mut facts = match account {
        Some(account) => facts(conn, &rows.iter().map(|row| row.id).collect::<Vec<_>>(), account)?,
        None => HashMap::new(),
    };
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let viewer = match facts.remove(&row.id) {
                Some(Value::Object(facts)) => facts,
                _ => Extra::new(),
            };
            let (font, ircra, hueco, dankyu) = row.grade;
            Some(ImportClimb {
                stokt_id: stokt(row.stokt_id?),
                face_stokt_id: stokt(row.face_stokt_id?),
                setter_stokt_id: row.setter_stokt_id.map(stokt),
                name: row.name,
                holds_list: row.lists.0,
                mirror_holds_list: row.lists.1,
                grade: ClimbGrade { font, ircra, hueco, dankyu },
                feet_rule: row.feet_rule,
                description: row.description,
                is_private: row.flags.0,
                is_benchmark: row.flags.1,
                climbed_by: row.counts.0,
                total_likes: row.counts.1,
                total_comments: row.counts.2,
                tags: row.tags,
                circuit: row.circuit,
                angle: row.angle,
                created_at: row.created_at.0,
                extra: extras.take(&row.id.0.to_string()),
                viewer,
            })
        })
        .collect())
}

fn facts(conn: &mut ReadConn<'_>, climbs: &[Id], account: StoktId) -> Result<HashMap<Id, Value>, StoreError> {
    let account = account.to_string();
    let mut facts = HashMap::new();
    for ids in keys(climbs) {
        let rows: Vec<(Id, Value)> = on_backend!(conn, |c| climb_viewer_facts::table
            .filter(climb_viewer_facts::account.eq(&account))
            .filter(climb_viewer_facts::climb_id.eq_any(ids))
            .select((climb_viewer_facts::climb_id, climb_viewer_facts::facts))
            .load(c))?;
        facts.extend(rows);
    }
    Ok(facts)
}
