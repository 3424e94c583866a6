//! The working pages: scopes, orders, parts of pages, data of tables, search.

#![allow(clippy::unwrap_used)]

mod common;

use axum::http::{StatusCode, header};
use common::{Site, encoded, rule};

/// Two rules of one tool and many of their own.
fn site() -> Site {
    let id = |n: usize| format!("{n:08}-0000-4000-8000-000000000000");
    let mut rules: Vec<String> = (0..620)
        .map(|n| rule(&format!("rule {n}"), &id(n), "CommandLine|contains", &format!("value {n} <b>")))
        .collect();
    rules.push(rule("first of the tool", &id(900), "Image|endswith", "\\finger.exe"));
    rules.push(
        rule("second of the tool", &id(901), "Image|endswith", "\\finger.exe").replace("level: high", "level: low"),
    );
    Site::new(&rules, |_| {})
}

#[test]
fn a_count_leads_to_the_rules_behind_it() {
    let site = site();
    let page = site.page("/technique/T1071");
    let (_, row) = page.split_once("<summary><code class=\"val\">finger.exe<").unwrap();
    let address = row.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&");
    assert!(address.starts_with("/rules?technique=T1071&looks=Image%20basename%20finger.exe"), "{address}");
    let scope = site.page(&address);
    assert!(scope.contains("<b>2</b> rules") && scope.contains("second of the tool") && !scope.contains("rule 17"));
    assert!(scope.contains("Top indicator values"), "a scope has the whole guide");
    let part = site.page(&format!("/part{address}"));
    assert!(part.contains("first of the tool") && !part.contains("<html"), "{part}");
    assert!(site.page(&format!("{address}&severity=low")).contains("<b>1</b> rule"));
}

#[test]
fn an_empty_scope_says_what_to_give_up() {
    let page = site().page("/rules?looks=Image+basename+finger.exe&platform=windows&severity=critical");
    assert!(page.contains("No counted rule fits all of this"), "{page}");
    assert!(page.contains("2 rules</a> without severity"), "{page}");
    assert!(!page.contains("without platform"), "giving that up does not help");
    for own in ["/technique/T1071", "/log-source/process_creation", "/event/Sysmon/1"] {
        let page = site().page(&format!("{own}?platform=windows&severity=critical"));
        assert!(page.contains(&format!("<a href=\"{own}?platform=windows\">")), "{page}");
        assert!(!page.contains("without platform"), "{own}");
    }
}

#[test]
fn tables_order_by_a_column_and_page() {
    let site = site();
    let place = |page: &str, text: &str| page.find(text).unwrap_or(usize::MAX);
    let telling = site.page("/technique/T1071?sort=indicators.value.reversed");
    assert!(place(&telling, "value 99 ") < place(&telling, "value 98 "), "the last of the alphabet first");
    assert!(telling.contains("aria-sort=\"descending\""));
    let first = site.page("/technique/T1071?all=indicators");
    assert!(first.contains("1–500 of 621") && first.contains("all=indicators.2"), "a long table pages");
    let second = site.page("/technique/T1071?all=indicators.2");
    assert!(second.contains("501–621 of 621"));
    let rows = |page: &str| page.matches("CommandLine%20contains%20value").count();
    assert!(rows(&first) > rows(&second));
    assert!(site.page("/technique/T1071?all=indicators.99").contains("Previous"), "beyond the end is the way back");
    let (status, page) = site.status_and_page("/technique/T1071?sort=indicators.colour");
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("colour") && page.contains("reach"));
}

#[test]
fn a_table_comes_as_data() {
    let site = site();
    let answer = site.get("/api/v1/technique/T1071?table=indicators&format=csv&sort=indicators.reach");
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    let text = String::from_utf8(site.bytes(answer).to_vec()).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("field,op,value,modifier,rules,reach"), "{}", lines[0]);
    assert!(lines[1].starts_with("Image,basename,finger.exe,,2,2,sigma=2,"), "{}", lines[1]);
    assert_eq!(lines.len(), 1 + 621 + 1);
    let json: serde_json::Value = serde_json::from_str(&site.page("/api/v1/rules?field=Image&table=rules")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 2);
    let whole: serde_json::Value = serde_json::from_str(&site.page("/api/v1/rules?field=Image&limit=1")).unwrap();
    assert_eq!(whole["rules"]["total"], 2);
    assert_eq!(whole["rule_list"].as_array().unwrap().len(), 1);
}

#[test]
fn enter_leads_to_the_best_hit() {
    let site = site();
    let leads = |text: &str| {
        let answer = site.get(&format!("/search?go=best&q={}", common::encoded(text)));
        assert_eq!(answer.status(), StatusCode::FOUND, "{text}");
        answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
    };
    assert_eq!(leads("t1071"), "/technique/T1071");
    assert_eq!(leads("Application Layer Protocol"), "/technique/T1071");
    // Though rules look for the id as a value, and it has the look of one.
    let values: Vec<String> =
        (1..5).map(|n| rule("other", &format!("other-{n}"), "CommandLine|contains", "T1071.001")).collect();
    let other = Site::new(&values, |attack| {
        let mut sub = attack.techniques["T1071"].clone();
        sub.id = "T1071.001".to_owned();
        attack.techniques.insert(sub.id.clone(), sub);
    });
    let answer = other.get("/search?go=best&q=t1071.001");
    assert_eq!(answer.headers()[header::LOCATION], "/technique/T1071.001");
    assert_eq!(leads("\\finger.exe"), "/indicator?field=Image&op=basename&value=finger.exe");
    assert_eq!(leads("process.executable"), "/field/Image");
    assert_eq!(leads("first of the tool"), "/rule/sigma/00000900-0000-4000-8000-000000000000");
    let (status, page) = site.status_and_page("/search?go=best&q=nothing+has+this");
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("Nothing has this text"));
}

#[test]
fn a_value_is_said_in_every_language() {
    let site = site();
    let page = site.page("/indicator?field=process.name&op=basename&value=FINGER.EXE");
    for text in ["Image|endswith: &#39;\\finger.exe&#39;", "process.name : &quot;finger.exe&quot;", "FileName =~"] {
        let plain = text.replace("&#39;", "'");
        assert!(page.contains(text) || page.contains(&plain), "{text}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&site.page("/api/v1/snippets?field=Image&op=basename&value=finger.exe")).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
    assert_eq!(json[2]["text"], "process_name=\"finger.exe\"");
    assert_eq!(site.get("/snippets?field=Image&op=basename&value=finger.exe").status(), StatusCode::NOT_FOUND);
}

#[test]
fn a_rule_opens_where_it_is_listed() {
    let site = site();
    let part = site.page("/part/rule/sigma/00000900-0000-4000-8000-000000000000");
    assert!(part.contains("ends_with") && part.contains("\\finger.exe") && !part.contains("<html"), "{part}");
    let page = site.page("/rule/sigma/00000900-0000-4000-8000-000000000000");
    assert!(page.contains("reach 2"), "a predicate in the query says its reach: {page}");
    assert!(page.contains("class=\"s\"") || page.contains("class=\"k\""), "the query has its language's colours");
    assert_eq!(site.get("/part/rule/sigma/none").status(), StatusCode::NOT_FOUND);
}

#[test]
fn pages_stay_small() {
    let site = site();
    let every = "all=events&all=fields&all=indicators&all=exclusions&all=rules";
    for address in [format!("/technique/T1071?{every}"), format!("/rules?{every}")] {
        let request = axum::http::Request::get(&address).header(header::ACCEPT_ENCODING, "br");
        let size = site.bytes(site.ask(request)).len();
        assert!(size < 150_000, "{address}: {size}");
    }
}

#[test]
fn every_count_of_rules_is_the_number_where_it_leads() {
    let site = Site::demo();
    let pages = [
        "/",
        "/technique/T1059",
        "/technique/T1071?subtechniques=no",
        "/tactic/TA0002",
        "/tactic/TA0005?vendor=elastic",
        "/vendor/splunk",
        "/log-source/process_creation",
        "/log-source/cloudtrail?severity=high",
        "/event/Sysmon/1",
        "/event/Security-Auditing/4688?vendor=sigma",
        "/rules?event=Sysmon%2F1&event=Sysmon%2F3",
        "/rules?status=deprecated",
        "/field/Image",
        "/field/CommandLine?vendor=elastic",
        "/indicator?field=Image&op=basename&value=cmd.exe",
    ];
    let mut seen = std::collections::BTreeMap::new();
    for page in pages {
        for link in site.page(page).split("<a href=\"/rules?").skip(1) {
            let (query, behind) = link.split_once("\">").unwrap();
            let text = behind.split('<').next().unwrap().replace(',', "");
            if let Ok(number) = text.parse::<u64>() {
                seen.insert(
                    format!("/api/v1/rules?{}&limit=1", query.replace("&amp;", "&").split('#').next().unwrap()),
                    (number, page),
                );
            }
        }
    }
    assert!(seen.len() > 150, "{} counts lead somewhere", seen.len());
    for (address, (number, page)) in &seen {
        let answer: serde_json::Value = serde_json::from_str(&site.page(address)).unwrap();
        assert_eq!(answer["rules"]["total"], *number, "{page} leads to {address}");
    }
}

#[test]
fn what_the_first_page_counts_is_what_all_rules_do() {
    let site = Site::demo();
    let json = |address: &str| -> serde_json::Value { serde_json::from_str(&site.page(address)).unwrap() };
    let (home, about, rules) = (json("/api/v1/"), json("/api/v1/about"), json("/api/v1/rules?limit=1"));
    assert_eq!(home["fields"], rules["fields_distinct"]);
    assert_eq!(about["fields"], rules["fields_distinct"]);
    assert_eq!(about["indicators"], rules["indicators_distinct"]);
    assert_eq!(about["exclusions"], rules["exclusions_distinct"]);
    let sum = |view: &serde_json::Value| view["indicators"].as_u64().unwrap() + view["exclusions"].as_u64().unwrap();
    assert!(home["indicators"].as_u64().unwrap() <= sum(&about), "what is both counts once");
    let listed = json("/api/v1/events?provider=Sysmon");
    let event = json("/api/v1/event/Sysmon/1");
    let row = listed["events"].as_array().unwrap().iter().find(|row| row["event_id"] == "1").unwrap();
    assert_eq!(row["techniques"], event["techniques"].as_array().unwrap().len());
    assert_eq!(row["rules"], event["rules"]["total"]);
}

#[test]
fn a_head_says_the_order_that_its_column_has() {
    let site = Site::demo();
    let head = |sort: &str| {
        let page = site.page(&format!("/log-source/process_creation?sort={sort}"));
        page.split("aria-sort=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    for (sort, order) in [
        ("events.event_id", "ascending"),
        ("events.rules", "descending"),
        ("events.rules.reversed", "ascending"),
        ("fields.how", "descending"),
        ("indicators.reach_by_vendor", "descending"),
        ("indicators.value.reversed", "descending"),
        ("rules.severity", "descending"),
        ("rules.title", "ascending"),
    ] {
        assert_eq!(head(sort), order, "{sort}");
    }
}

#[test]
fn predicates_of_one_place_share_its_mark() {
    // What the condition names twice is looked for in one alternative and negated in the other.
    let text = rule("twice", "11111111-0000-4000-8000-000000000001", "Image|endswith", "\\tool.exe").replace(
        "  condition: selection\n",
        "  other:\n    User: SYSTEM\n  condition: (selection and other) or (selection and not other)\n",
    );
    let page = Site::new(&[text], |_| {}).page("/rule/sigma/11111111-0000-4000-8000-000000000001");
    let marks = page.split("<pre class=\"query\"").nth(1).unwrap().split("</pre>").next().unwrap();
    let rows = page.split("<table class=\"predicates\"").nth(1).unwrap().split("</table>").next().unwrap();
    for row in rows.split("data-p=\"").skip(1) {
        let place = row.split('"').next().unwrap();
        assert!(marks.contains(&format!("data-p=\"{place}\"")), "row {place} points at a mark");
    }
    assert!(rows.matches("data-p=\"1\"").count() == 2, "{rows}");
    assert!(marks.contains("and 1 more"), "{marks}");
}

#[test]
fn every_event_that_is_found_leads_to_its_page() {
    let site = Site::demo();
    let read = site.atlas.events_read().unwrap();
    let odd = read.iter().find(|event| event.event_id.contains(' ')).expect("an id of several words");
    let found = site.page(&format!("/search?q={}", encoded(&format!("{} {}", odd.provider, odd.event_id))));
    let links: Vec<&str> = found.split("href=\"/event/").skip(1).map(|link| link.split('"').next().unwrap()).collect();
    assert!(!links.is_empty(), "{found}");
    for link in links {
        let (status, _) = site.status_and_page(&format!("/event/{link}"));
        assert!(status.is_success() || status.is_redirection(), "{link}: {status}");
    }
}

#[test]
fn tactics_and_providers_are_filtered() {
    let site = Site::demo();
    let json = |address: &str| -> serde_json::Value { serde_json::from_str(&site.page(address)).unwrap() };
    let (all, some) = (json("/api/v1/tactic/TA0002"), json("/api/v1/tactic/TA0002?vendor=sigma"));
    let by_vendor = some["count"]["by_vendor"].as_object().unwrap();
    assert!(by_vendor.len() == 1 && some["count"]["total"] == all["count"]["by_vendor"]["sigma"], "{some}");
    let (all, some) = (json("/api/v1/provider/Sysmon"), json("/api/v1/provider/Sysmon?vendor=splunk"));
    assert!(some["rules"].as_u64().unwrap() < all["rules"].as_u64().unwrap());
    let event = json("/api/v1/event/Sysmon/1?vendor=splunk");
    let row = some["events"].as_array().unwrap().iter().find(|row| row["event_id"] == "1").unwrap();
    assert_eq!(row["rules"], event["rules"]["total"]);
    let page = site.page("/provider/Sysmon?vendor=splunk");
    assert!(page.contains("/event/Sysmon/1?vendor=splunk#rules") && page.contains("filtered"), "{page}");
}

#[test]
fn near_names_lead_to_what_they_name() {
    let site = Site::demo();
    for (wrong, near) in [
        ("/provider/Sysmn", "/provider/Sysmon"),
        ("/event/Sysmon/1%20", "/event/Sysmon/1"),
        (
            "/indicator?field=Image&op=basename&value=cmdd.exe",
            "/indicator?field=Image&amp;op=basename&amp;value=cmd.exe",
        ),
    ] {
        let (status, page) = site.status_and_page(wrong);
        assert!(status.is_redirection() || page.contains(&format!("href=\"{near}\"")), "{wrong}: {page}");
    }
}

#[test]
fn events_that_carry_a_field_have_it() {
    let site = Site::demo();
    let json = |address: &str| -> serde_json::Value { serde_json::from_str(&site.page(address)).unwrap() };
    let mut events = 0;
    for name in ["Image", "CommandLine", "TargetFilename", "QueryName", "src_ip", "User"] {
        let views = json(&format!("/api/v1/field/{name}"));
        let view = views.as_array().map_or(&views, |all| all.iter().find(|view| view["field"] == name).unwrap());
        for event in view["events"].as_array().unwrap() {
            let (provider, id) = (event["provider"].as_str().unwrap(), event["event_id"].as_str().unwrap());
            let page = json(&format!("/api/v1/event/{}/{}", encoded(provider), encoded(id)));
            let has = |field: &serde_json::Value| field["canonical"] == name || field["name"] == name;
            assert!(page["event_fields"].as_array().unwrap().iter().any(has), "{provider} {id} has no {name}");
            events += 1;
        }
    }
    assert!(events > 10, "{events} events carry one of them");
}
