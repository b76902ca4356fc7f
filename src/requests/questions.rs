//! The answers to `AskUserQuestion`, written into the input that the CLI asked about. It takes one text per
//! question; several labels are joined by ", ", as the CLI itself does. Questions, labels and the rest of the
//! input keep the CLI's own bytes, because it looks an answer up by the text of its question.

use std::collections::HashSet;

use crate::error::{Error, Result, Status};
use crate::protocol::pointer::{Json, escaped};
use crate::protocol::tree;

const REMEDY: &str = "pass a list with an answer for each question: the number of an option, a text, or a list of these; \
                      or an object of question texts and labels; the request is still open";

struct Question<'a> {
    /// Its text as JSON.
    name: Json<'a>,
    labels: Vec<Json<'a>>,
    takes_several: bool,
}

impl<'a> Question<'a> {
    fn of(question: Json<'a>) -> Option<Question<'a>> {
        let name = question.under(&["question"])?;
        name.string()?;
        let options = question.under(&["options"]);
        let labels = options.into_iter().flat_map(|options| options.elements());
        Some(Question {
            name,
            labels: labels.map(|option| option.under(&["label"]).unwrap_or(option)).collect(),
            takes_several: question.under(&["multiSelect"]).is_some_and(|several| several.text() == "true"),
        })
    }

    fn text(&self) -> String {
        self.name.string().unwrap_or_default().into_owned()
    }
}

fn fault(message: String, place: &str) -> Error {
    let error =
        Error::new(Status::InvalidArgument, message).with("argument", "answers_json").with("remedy", REMEDY);
    if place.is_empty() { error } else { error.with("pointer", place) }
}

/// The input of `AskUserQuestion` with the user's answers in it, from the JSON of the request and of the answers.
pub fn answered(request: &str, answers: &str) -> Result<String> {
    let input = Json::parse(request).and_then(|request| request.under(&["input"]));
    let asked = input.and_then(|input| input.under(&["questions"])).filter(|questions| questions.is_array());
    let (Some(input), Some(asked)) = (input, asked) else {
        let tool = Json::parse(request).and_then(|request| request.under(&["tool_name"]));
        let tool = tool.and_then(Json::string).unwrap_or_default();
        return Err(fault(format!("the tool {tool} asks no questions"), ""));
    };
    let questions: Vec<Question> = asked.elements().filter_map(Question::of).collect();
    tree::check(answers).map_err(|cause| cause.refusal("answers_json", REMEDY))?;
    let given = match Json::parse(answers) {
        Some(given) if given.is_array() => by_position(&questions, given)?,
        Some(given) if given.is_object() => by_question(&questions, given)?,
        _ => return Err(fault("the answers are neither a list nor an object".to_owned(), "")),
    };
    let kept = input
        .members()
        .filter(|(name, _)| name.string().as_deref() != Some("answers"))
        .map(|(name, value)| format!("{}:{},", name.text(), value.text()));
    Ok(format!("{{{}\"answers\":{{{}}}}}", kept.collect::<String>(), given.join(",")))
}

fn by_position(questions: &[Question], given: Json) -> Result<Vec<String>> {
    let count = given.elements().count();
    if count != questions.len() {
        let missing =
            if count < questions.len() { format!("/{count}") } else { format!("/{}", questions.len()) };
        let message = format!("there are {count} answers to {} questions", questions.len());
        return Err(fault(message, &missing));
    }
    let answers = questions.iter().zip(given.elements()).enumerate();
    answers
        .map(|(index, (question, answer))| {
            Ok(member(question, &positioned(question, answer, &format!("/{index}"))?))
        })
        .collect()
}

/// The parts of one answer.
fn positioned<'a>(question: &Question<'a>, answer: Json<'a>, place: &str) -> Result<Vec<Json<'a>>> {
    if !answer.is_array() {
        return Ok(vec![chosen(question, answer, place)?]);
    }
    if !question.takes_several {
        let message = format!("\"{}\" takes one answer, not a list", question.text());
        return Err(fault(message, place));
    }
    let parts = answer.elements().enumerate();
    let parts: Vec<Json> = parts
        .map(|(index, part)| chosen(question, part, &format!("{place}/{index}")))
        .collect::<Result<_>>()?;
    if parts.is_empty() {
        return Err(fault(format!("\"{}\" has no answer in the list", question.text()), place));
    }
    Ok(parts)
}

/// One label: of the option with this number, or a text of the user's own.
fn chosen<'a>(question: &Question<'a>, answer: Json<'a>, place: &str) -> Result<Json<'a>> {
    if answer.string().is_some() {
        return Ok(answer);
    }
    let name = question.text();
    let Ok(number) = answer.text().parse::<usize>() else {
        let message = format!("the answer to \"{name}\" is neither the number of an option nor a text");
        return Err(fault(message, place));
    };
    match question.labels.get(number) {
        Some(label) if label.string().is_some() => Ok(*label),
        Some(_) => Err(fault(format!("option {number} of \"{name}\" has no label"), place)),
        None => {
            let count = question.labels.len();
            let message =
                format!("\"{name}\" has {count} options, counted from 0; there is no option {number}");
            Err(fault(message, place))
        }
    }
}

fn by_question(questions: &[Question], given: Json) -> Result<Vec<String>> {
    let mut seen = HashSet::new();
    let answer = |(name, answer): (Json, Json)| {
        let text = name.string().unwrap_or_default().into_owned();
        let place = format!("/{}", escaped(&text));
        // The CLI would take only the last one.
        if !seen.insert(text.clone()) {
            return Err(fault(format!("\"{text}\" stands there twice"), &place));
        }
        let Some(question) = questions.iter().find(|question| question.text() == text) else {
            let asked: Vec<String> = questions.iter().map(Question::text).collect();
            let message = format!("nobody asked \"{text}\"; the questions are: {}", asked.join(" | "));
            return Err(fault(message, &place));
        };
        let parts: Vec<Json> = if answer.is_array() { answer.elements().collect() } else { vec![answer] };
        if parts.iter().any(|part| part.string().is_none()) {
            return Err(fault(format!("the answer to \"{text}\" is neither text nor texts"), &place));
        }
        Ok(member(question, &parts))
    };
    given.members().map(answer).collect()
}

/// A question and its answer as written on the wire. All parts are strings.
fn member(question: &Question, parts: &[Json]) -> String {
    let texts: Vec<&str> = parts.iter().map(|part| &part.text()[1..part.text().len() - 1]).collect();
    format!("{}:\"{}\"", question.name.text(), texts.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request() -> Value {
        json!({"tool_name": "AskUserQuestion", "input": {"metadata": {"source": "x"}, "questions": [
            {"question": "Which?", "multiSelect": true,
             "options": [{"label": "A"}, {"label": "B \"b\""}, {"label": "C"}]},
            {"question": "Why?", "options": [{"label": "Because"}, {"label": "Why not"}]}]}})
    }

    fn given(answers: &str) -> Result<Value> {
        let request = request();
        let input: Value = serde_json::from_str(&answered(&request.to_string(), answers)?).unwrap();
        assert_eq!(input["questions"], request["input"]["questions"]);
        assert_eq!(input["metadata"], request["input"]["metadata"]);
        Ok(input["answers"].clone())
    }

    #[test]
    fn questions_are_answered_under_their_own_texts() {
        let expected = json!({"Which?": "A, B", "Why?": "Because"});
        assert_eq!(given(r#"{"Which?": ["A", "B"], "Why?": "Because"}"#).unwrap(), expected);
        assert_eq!(given("{}").unwrap(), json!({}));
        for bad in [r#"{"Who?": "x"}"#, r#"{"Why?": 1}"#, r#"{"Why?": ["x", 1]}"#, "5", "\"x\"", "x"] {
            assert!(given(bad).is_err(), "{bad}");
        }
        let other = json!({"tool_name": "Bash", "input": {}});
        assert!(answered(&other.to_string(), "{}").unwrap_err().message.contains("Bash"));
    }

    #[test]
    fn questions_are_answered_by_position() {
        for (answers, which, why) in [
            ("[0,1]", "A", "Why not"),
            (" [ [ 2 , 0 ] , \"my \\u00f6wn\" ] ", "C, A", "my öwn"),
            (r#"[[1,"else"],0]"#, "B \"b\", else", "Because"),
            (r#"["none",1]"#, "none", "Why not"),
        ] {
            assert_eq!(given(answers).unwrap(), json!({"Which?": which, "Why?": why}), "{answers}");
        }
    }

    #[test]
    fn an_answer_that_cannot_be_meant_is_refused_with_its_place() {
        for (answers, place) in [
            ("[3,0]", "/0"),
            ("[0,2]", "/1"),
            ("[0,-1]", "/1"),
            ("[0,1.0]", "/1"),
            ("[0,99999999999999999999]", "/1"),
            ("[0,[1]]", "/1"),
            ("[0,[0,1]]", "/1"),
            ("[[],0]", "/0"),
            ("[[0,3],0]", "/0/1"),
            ("[[0,[1]],0]", "/0/1"),
            ("[0,null]", "/1"),
            ("[0,true]", "/1"),
            ("[0,{}]", "/1"),
            ("[0]", "/1"),
            ("[]", "/0"),
            ("[0,1,0]", "/2"),
            (r#"{"Wh/y?": "x"}"#, "/Wh~1y?"),
            (r#"{"Why?": null}"#, "/Why?"),
            (r#"{"Why?": "Because", "Wh\u0079?": "Why not"}"#, "/Why?"),
        ] {
            let error = given(answers).unwrap_err();
            assert_eq!(error.status, Status::InvalidArgument);
            assert_eq!(error.detail("pointer"), Some(&place.into()), "{answers}: {}", error.message);
        }
        assert!(given("[0,").unwrap_err().detail("offset").is_some());
    }

    #[test]
    fn the_input_stays_in_the_clis_own_bytes() {
        let deep = format!("{}1e400{}", "[".repeat(5000), "]".repeat(5000));
        let request = format!(
            r#"{{"tool_name":"AskUserQuestion","input":{{"x":{deep},"answers":{{"old":"y"}},"questions":[{{"question":"cut \ud83d","options":[{{"label":"half \ud83d"}}]}}]}}}}"#
        );
        let questions = r#""questions":[{"question":"cut \ud83d","options":[{"label":"half \ud83d"}]}]"#;
        let expected = format!(r#"{{"x":{deep},{questions},"answers":{{"cut \ud83d":"half \ud83d"}}}}"#);
        assert_eq!(answered(&request, "[0]").unwrap(), expected);
    }

    #[test]
    fn a_deep_input_goes_back_with_the_answers_in_it() {
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let request =
            format!(r#"{{"input":{{"questions":[{{"question":"Which?"}}],"answers":0,"x":{deep}}}}}"#);
        let input = answered(&request, r#"{"Which?":"A"}"#).unwrap();
        assert_eq!(
            input,
            format!(r#"{{"questions":[{{"question":"Which?"}}],"x":{deep},"answers":{{"Which?":"A"}}}}"#)
        );
    }
}
