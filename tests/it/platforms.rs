//! A server on loopback that answers as the twelve platforms do: their addresses, authentication, paging, limits and errors,
//! written from their documentation and not from our descriptors. Recorded shapes are in `tests/platforms`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// One request as it came in.
#[derive(Debug, Clone)]
pub struct Hit {
    pub at: Instant,
    pub method: String,
    /// Without the query, decoded as it came.
    pub path: String,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Hit {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> usize {
        self.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }
}

pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Waits before the body's second half.
    pub hang: Option<Duration>,
}

pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.into(),
        hang: None,
    }
}

pub fn good(body: &Value) -> Reply {
    reply(200, body.to_string())
}

impl Reply {
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }
}

pub struct Server {
    pub port: u16,
    hits: Arc<Mutex<Vec<Hit>>>,
}

impl Server {
    /// Answers with `answer`, a thread a connection, until the process ends.
    pub fn start(answer: impl Fn(&Hit) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hits = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&hits));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Server { port, hits }
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().unwrap().clone()
    }

    pub fn paths(&self, part: &str) -> Vec<Hit> {
        self.hits().into_iter().filter(|hit| hit.path.contains(part)).collect()
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Hit) -> Reply, seen: &Mutex<Vec<Hit>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let mut words = line.split_whitespace();
        let (method, target) =
            (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':') {
                headers.insert(name.trim().to_lowercase(), value.trim().to_owned());
            }
        }
        let length = headers.get("content-length").and_then(|text: &String| text.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        let hit = Hit {
            at: Instant::now(),
            method,
            path: path.to_owned(),
            query,
            headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        seen.lock().unwrap().push(hit.clone());
        let reply = answer(&hit);
        let mut head = format!("HTTP/1.1 {} X\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let half = if reply.hang.is_some() { reply.body.len() / 2 } else { reply.body.len() };
        let sent = stream
            .write_all(format!("{head}\r\n").as_bytes())
            .and_then(|()| stream.write_all(&reply.body[..half]));
        if let Some(hang) = reply.hang {
            let _ = stream.flush();
            std::thread::sleep(hang);
            return;
        }
        if sent.is_err() {
            return;
        }
    }
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A recorded answer.
pub fn recorded(name: &str) -> Value {
    let path = format!("{}/tests/platforms/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")))
        .unwrap()
}

/// All twelve, each below its own name.
pub fn all(hit: &Hit) -> Reply {
    let (platform, rest) = hit.path.trim_start_matches('/').split_once('/').unwrap_or((&hit.path, ""));
    match platform {
        "fortnox" => fortnox(hit, rest),
        "shopify" => shopify(hit),
        "woocommerce" => woocommerce(hit, rest),
        "tripletex" => tripletex(hit, rest),
        "business-central" => business_central(hit, rest),
        "visma-net" => visma_net(hit, rest),
        "visma-spiris" => visma_spiris(hit, rest),
        "e-conomic" => e_conomic(hit, rest),
        "magento" => magento(hit, rest),
        "shopware" => shopware(hit, rest),
        "centra" => centra(hit),
        "norce" => norce(hit, rest),
        _ => reply(404, "{}"),
    }
}

/// 1,234 accounts, at most 500 a page, whatever is asked for.
fn fortnox(hit: &Hit, path: &str) -> Reply {
    if path == "oauth-v1/token" {
        // base64 of fid:fsecret
        let asked = hit.header("authorization") == "Basic ZmlkOmZzZWNyZXQ="
            && hit.header("tenantid") == "1234567"
            && hit.body == "grant_type=client_credentials";
        return if asked {
            good(&recorded("fortnox/token"))
        } else {
            reply(401, r#"{"error":"invalid_client","error_description":"Client fsecret is wrong"}"#)
        };
    }
    if hit.header("authorization") != "Bearer fortnox-access-1" {
        return reply(
            403,
            r#"{"ErrorInformation":{"error":1,"message":"Kan inte logga in","code":2000311}}"#,
        );
    }
    let page = hit.number("page").max(1);
    match path {
        "3/accounts" => {
            let per = hit.number("limit").clamp(1, 500);
            let last = 1234_usize.div_ceil(per);
            if page > last {
                return reply(
                    400,
                    r#"{"ErrorInformation":{"error":1,"message":"Ogiltig sida","code":2001106}}"#,
                );
            }
            let accounts: Vec<Value> = (0..1234).skip((page - 1) * per).take(per).map(|n| json!({"@url": "", "Number": 2000 + n, "Description": format!("Konto {n}"), "Active": n % 7 != 0, "VATCode": if n == 1 { "MP1" } else { "" }, "Year": 5})).collect();
            good(
                &json!({"MetaInformation": {"@TotalResources": 1234, "@TotalPages": last, "@CurrentPage": page}, "Accounts": accounts}),
            )
        }
        "3/costcenters" => reply(403, recorded("fortnox/error").to_string()),
        "api/warehouse/stockpoints-v1" => {
            good(&json!([{"id": "a", "code": "MALMO", "name": "Malmö", "active": true}]))
        }
        _ => {
            let name = path.trim_start_matches("3/");
            match name {
                "termsofpayments" | "wayofdeliveries" => good(&recorded(&format!("fortnox/{name}"))),
                "pricelists" => good(
                    &json!({"MetaInformation": {"@TotalResources": 1, "@TotalPages": 1, "@CurrentPage": 1}, "PriceLists": [{"Code": "A", "Description": "Prislista A"}]}),
                ),
                "modesofpayments" => good(
                    &json!({"MetaInformation": {"@TotalPages": 1}, "ModesOfPayments": [{"Code": "BG", "Description": "Bankgiro", "AccountNumber": 1920}]}),
                ),
                _ => reply(404, "{}"),
            }
        }
    }
}

fn shopify(hit: &Hit) -> Reply {
    if hit.header("x-shopify-access-token") != "shpat_1"
        || hit.path != "/shopify/admin/api/2026-10/graphql.json"
        || hit.method != "POST"
    {
        return reply(
            401,
            r#"{"errors":"[API] Invalid API key or access token (unrecognized login or wrong password)"}"#,
        );
    }
    let asked = hit.json();
    let query = asked["query"].as_str().unwrap_or_default().to_owned();
    let after = asked["variables"]["after"].as_str().map(str::to_owned);
    match () {
        () if query.contains("locations(") && after.is_none() => good(&recorded("shopify/locations")),
        () if query.contains("locations(") && after.as_deref() == Some("c1") => {
            good(&recorded("shopify/locations-2"))
        }
        () if query.contains("shopLocales") => {
            good(&json!({"data": {"shopLocales": [{"locale": "sv", "name": "Swedish", "published": true}]}}))
        }
        () if query.contains("orders(") => good(&recorded("shopify/orders")),
        () if query.contains("deliveryProfiles(") => good(&recorded("shopify/deliveryProfiles")),
        () => {
            good(&json!({"errors": [{"message": "Access denied", "extensions": {"code": "ACCESS_DENIED"}}]}))
        }
    }
}

fn woocommerce(hit: &Hit, path: &str) -> Reply {
    // base64 of ck_1:cs_1
    if hit.header("authorization") != "Basic Y2tfMTpjc18x" {
        return reply(
            401,
            r#"{"code":"woocommerce_rest_cannot_view","message":"Sorry, you cannot list resources.","data":{"status":401}}"#,
        );
    }
    match path.trim_start_matches("wp-json/wc/v3/") {
        "payment_gateways" => good(&recorded("woocommerce/payment_gateways")),
        "shipping/zones" => good(&recorded("woocommerce/zones")),
        "shipping/zones/0/methods" => good(&recorded("woocommerce/methods-0")),
        "shipping/zones/5/methods" => good(&recorded("woocommerce/methods-5")),
        "products/tags" => {
            let (page, per) = (hit.number("page").max(1), hit.number("per_page").clamp(1, 100));
            let tags: Vec<Value> = (1..=230)
                .skip((page - 1) * per)
                .take(per)
                .map(|n| json!({"id": n, "name": format!("Tag {n}"), "slug": format!("tag-{n}")}))
                .collect();
            good(&tags.into()).with("X-WP-Total", 230).with("X-WP-TotalPages", 230_usize.div_ceil(per))
        }
        _ => reply(404, r#"{"code":"rest_no_route","message":"No route was found","data":{"status":404}}"#),
    }
}

fn tripletex(hit: &Hit, path: &str) -> Reply {
    if path == "v2/token/session/:create" {
        let of = |name: &str| hit.query.get(name).map_or("", String::as_str);
        let right = hit.method == "PUT"
            && of("consumerToken") == "tripletex-consumer"
            && of("employeeToken") == "tripletex-employee"
            && of("expirationDate").len() == 10;
        return if right {
            good(&recorded("tripletex/session"))
        } else {
            reply(403, r#"{"status":403,"code":7000,"message":"Invalid credentials"}"#)
        };
    }
    // base64 of 0:tripletex-session-1
    if hit.header("authorization") != "Basic MDp0cmlwbGV0ZXgtc2Vzc2lvbi0x" {
        return reply(401, r#"{"status":401,"code":3000,"message":"Unauthorized"}"#);
    }
    match path {
        "v2/invoice/paymentType" => good(&recorded("tripletex/paymentType")),
        "v2/ledger/account" => {
            let (from, count) = (hit.number("from"), hit.number("count").clamp(1, 1000));
            let accounts: Vec<Value> = (0..1300).skip(from).take(count).map(|n| json!({"id": 90_000 + n, "number": 1000 + n, "name": format!("Konto {n}"), "isInactive": n == 3})).collect();
            good(&json!({"fullResultSize": 1300, "from": from, "count": accounts.len(), "values": accounts}))
        }
        "v2/inventory" => good(
            &json!({"fullResultSize": 1, "from": 0, "count": 1, "values": [{"id": 5, "name": "Hovedlager", "isInactive": false}]}),
        ),
        "v2/product/unit"
        | "v2/product/group"
        | "v2/department"
        | "v2/project"
        | "v2/customer/category"
        | "v2/ledger/vatType"
        | "v2/currency" => good(
            &json!({"fullResultSize": 1, "from": 0, "count": 1, "values": [{"id": 1, "code": "NOK", "number": "3", "name": "En", "displayName": "En"}]}),
        ),
        _ => reply(404, "{}"),
    }
}

fn business_central(hit: &Hit, path: &str) -> Reply {
    if path == "token" {
        let right = hit.body.contains("grant_type=client_credentials")
            && hit.body.contains("client_secret=bcsecret")
            && hit.body.contains("scope=https%3A%2F%2Fapi.businesscentral.dynamics.com%2F.default");
        return if right {
            good(&recorded("business-central/token"))
        } else {
            reply(400, r#"{"error":"invalid_client"}"#)
        };
    }
    if hit.header("authorization") != "Bearer bc-access-1" {
        return reply(
            401,
            r#"{"error":{"code":"Authentication_InvalidCredentials","message":"The server has rejected the client credentials."}}"#,
        );
    }
    let company = "v2.0/Production/api/v2.0/companies(01a5738a-44e3-ea11-bb43-000d3a2feca1)/";
    let Some(list) = path.strip_prefix(company) else { return reply(404, "{}") };
    match list {
        "paymentTerms" if hit.query.contains_key("$skiptoken") => {
            good(&recorded("business-central/paymentTerms-2"))
        }
        "paymentTerms" => {
            let mut answer = recorded("business-central/paymentTerms");
            let link =
                format!("https://api.businesscentral.dynamics.com/{company}paymentTerms?$skiptoken='COD'");
            answer["@odata.nextLink"] = link.into();
            good(&answer)
        }
        "accounts" => good(
            &json!({"value": [{"number": "40000", "displayName": "Sales", "blocked": false}, {"number": "40001", "displayName": "Old sales", "blocked": true}]}),
        ),
        other => good(
            &json!({"value": [{"id": "1", "code": other.to_uppercase(), "number": "1", "displayName": other, "description": other}]}),
        ),
    }
}

fn visma_net(hit: &Hit, path: &str) -> Reply {
    if path == "connect/token" {
        let right = hit.body.contains("client_secret=vnsecret")
            && hit.body.contains("tenant_id=t-1")
            && hit.body.contains("vismanet_erp_service_api%3Aread");
        return if right {
            good(&recorded("visma-net/token"))
        } else {
            reply(400, r#"{"error":"invalid_client"}"#)
        };
    }
    if hit.header("authorization") != "Bearer visma-access-1" {
        return reply(401, "");
    }
    // These lists take no notice of a page number.
    match path.rsplit('/').next().unwrap_or_default() {
        "creditTerm" => good(&recorded("visma-net/creditTerm")),
        "customerClass" => good(&recorded("visma-net/customerClass")),
        "salesordertype" => good(&recorded("visma-net/salesordertype")),
        "warehouse" => good(&json!([{"warehouseId": "1", "description": "Hovedlager", "active": true}])),
        _ => good(
            &json!([{"id": "X", "paymentMethodId": "X", "carrierId": "X", "accountCd": "3000", "vatCategoryId": "X", "number": "1", "name": "X", "description": "X", "carrierDescription": "X", "active": true, "subaccountNumber": "0", "departmentId": "1", "projectID": "P"}]),
        ),
    }
}

fn visma_spiris(hit: &Hit, path: &str) -> Reply {
    if path == "connect/token" {
        let right = hit.body == "grant_type=refresh_token&refresh_token=spiris-refresh-1";
        return if right {
            good(&recorded("visma-spiris/token"))
        } else {
            reply(400, r#"{"error":"invalid_grant"}"#)
        };
    }
    if hit.header("authorization") != "Bearer spiris-access-1" {
        return reply(401, r#"{"ErrorCode":4001,"DeveloperErrorMessage":"Unauthorized","ErrorId":"1"}"#);
    }
    match (path, hit.number("$page")) {
        ("v2/termsofpayments", 1) => good(&recorded("visma-spiris/termsofpayments")),
        ("v2/termsofpayments", 2) => good(&recorded("visma-spiris/termsofpayments-2")),
        ("v2/termsofpayments", _) => reply(404, "{}"),
        _ => good(
            &json!({"Meta": {"CurrentPage": 1, "PageSize": 50, "TotalNumberOfPages": 1, "TotalNumberOfResults": 1}, "Data": [{"Id": "u-1", "Number": 3001, "Code": "SEK", "Name": "En"}]}),
        ),
    }
}

fn e_conomic(hit: &Hit, path: &str) -> Reply {
    if hit.header("x-appsecrettoken") != "ecapp" || hit.header("x-agreementgranttoken") != "ecgrant" {
        return reply(401, r#"{"message":"Access denied.","errorCode":"E04100","httpStatusCode":401}"#);
    }
    match path {
        // Links carry the platform's own address.
        "payment-terms" if hit.number("skippages") == 1 => good(&recorded("e-conomic/payment-terms-2")),
        "payment-terms" => good(&recorded("e-conomic/payment-terms")),
        _ => good(
            &json!({"collection": [{"vatZoneNumber": 1, "layoutNumber": 19, "customerGroupNumber": 1, "productGroupNumber": 1, "unitNumber": 1, "accountNumber": 1010, "vatCode": "U25", "departmentNumber": 1, "code": "DKK", "journalNumber": 1, "name": "En"}], "pagination": {"skipPages": 0, "pageSize": 1000, "results": 1}}),
        ),
    }
}

fn magento(hit: &Hit, path: &str) -> Reply {
    let signed = hit.header("authorization");
    let parts = [
        "oauth_consumer_key=\"mck\"",
        "oauth_token=\"mat\"",
        "oauth_signature_method=\"HMAC-SHA256\"",
        "oauth_signature=\"",
    ];
    if !parts.iter().all(|part| signed.contains(part))
        || signed.contains("mcsecret")
        || signed.contains("matsecret")
    {
        return reply(401, r#"{"message":"The consumer isn't authorized to access %resources."}"#);
    }
    let page = hit.number("searchCriteria[currentPage]");
    match path.trim_start_matches("rest/all/V1/") {
        // Beyond the end Magento gives the last page again.
        "inventory/sources" if page == 1 => good(&recorded("magento/sources")),
        "inventory/sources" => good(&recorded("magento/sources-2")),
        "orders" if hit.number("searchCriteria[pageSize]") > 0 => good(&recorded("magento/orders")),
        "store/storeViews" => good(&json!([{"id": 1, "code": "default", "name": "Default", "is_active": 1}])),
        "store/websites" => good(&json!([{"id": 1, "code": "base", "name": "Main"}])),
        "store/storeConfigs" => good(&json!([{"locale": "sv_SE"}, {"locale": "sv_SE"}])),
        "categories" => good(
            &json!({"id": 1, "name": "Root", "children_data": [{"id": 2, "name": "A", "children_data": [{"id": 3, "name": "B", "children_data": []}]}]}),
        ),
        _ => good(
            &json!({"items": [{"id": 1, "code": "X", "class_id": 2, "class_name": "Y", "class_type": "PRODUCT", "attribute_set_id": 4, "attribute_set_name": "Default", "tax_country_id": "SE", "rate": 25}], "total_count": 1}),
        ),
    }
}

/// Its total counts the page only, unless it is asked to count.
fn shopware(hit: &Hit, path: &str) -> Reply {
    if path == "api/oauth/token" {
        let asked = hit.json();
        let right = asked["grant_type"] == "client_credentials"
            && asked["client_id"] == "swid"
            && asked["client_secret"] == "swsecret";
        return if right {
            good(&recorded("shopware/token"))
        } else {
            reply(401, r#"{"errors":[{"code":"4","status":"401","detail":"Client authentication failed"}]}"#)
        };
    }
    if hit.header("authorization") != "Bearer shopware-access-1"
        || hit.method != "POST"
        || hit.header("accept") != "application/json"
    {
        return reply(
            401,
            r#"{"errors":[{"code":"9","status":"401","detail":"The resource owner or authorization server denied the request."}]}"#,
        );
    }
    let asked = hit.json();
    match path {
        "api/search/payment-method" if asked["page"] == 1 => good(&recorded("shopware/payment-method")),
        "api/search/sales-channel" => {
            let (page, per) =
                (asked["page"].as_u64().unwrap_or(1), asked["limit"].as_u64().unwrap_or(500).min(500));
            let tags: Vec<Value> = (0..700_u64)
                .skip(usize::try_from((page - 1) * per).unwrap())
                .take(usize::try_from(per).unwrap())
                .map(|n| json!({"id": format!("{n:08x}"), "name": format!("Tag {n}")}))
                .collect();
            good(&json!({"total": tags.len(), "data": tags}))
        }
        _ if asked["page"] == 1 => good(
            &json!({"total": 1, "data": [{"id": "01", "name": "Ett", "isoCode": "SEK", "iso": "SE", "locale": {"code": "sv-SE"}}]}),
        ),
        _ => good(&json!({"total": 0, "data": []})),
    }
}

fn centra(hit: &Hit) -> Reply {
    if hit.header("authorization") != "Bearer centra-1" || hit.path != "/centra/graphql" {
        return reply(401, r#"{"errors":[{"message":"Unauthorized"}]}"#);
    }
    let asked = hit.json();
    let query = asked["query"].as_str().unwrap_or_default();
    match () {
        () if query.contains("stores") => good(&recorded("centra/stores")),
        () if query.contains("warehouses") => good(&recorded("centra/warehouses")),
        () => {
            let name: String =
                query.trim_start_matches('{').chars().take_while(char::is_ascii_alphanumeric).collect();
            good(&json!({"data": {name: [{"id": 1, "code": "SE", "name": "En"}]}}))
        }
    }
}

fn norce(hit: &Hit, path: &str) -> Reply {
    if path == "token" {
        let right = hit.body.contains("scope=playground") && hit.body.contains("client_secret=nsecret");
        return if right {
            good(&recorded("norce/token"))
        } else {
            reply(400, r#"{"error":"invalid_client"}"#)
        };
    }
    if hit.header("authorization") != "Bearer norce-access-1"
        || hit.header("application-id") != "1042"
        || hit.header("account-id") != "7"
    {
        return reply(401, "");
    }
    match path {
        "commerce/query/2.0/Application/ClientWarehouses" if hit.query.contains_key("$skiptoken") => {
            good(&recorded("norce/warehouses-2"))
        }
        "commerce/query/2.0/Application/ClientWarehouses" => good(&recorded("norce/warehouses")),
        _ if path.contains("/query/") => good(
            &json!({"value": [{"PriceListId": 3, "Id": 3, "Name": "Pris", "DefaultName": "Pris", "IsActive": true}]}),
        ),
        _ => good(&json!([{"Code": "SE", "CultureCode": "sv-SE", "Name": "Sverige", "IsActive": true}])),
    }
}
