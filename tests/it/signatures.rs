//! Signed plans, beside `ssh-keygen`: each reads what the other signed.

use std::io::Write as _;
use std::process::{Command, Stdio};

use pairform::ops::signed::{require_signature, signed_by};
use pairform::plan::signature::{self, Broken, NAMESPACE};
use pairform::trust::Signatures;
use serde_json::Value as Json;

use crate::plans;
use crate::run::Project;
use crate::tools::{Tool, program, required};

fn keygen(project: &Project, arguments: &[&str], input: &str) -> (bool, String) {
    let mut child = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(project.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

const SHOP: &str =
    "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {name: Shop}\n";

#[test]
fn a_plan_that_is_signed_here_is_read_by_ssh_keygen_and_the_other_way_round() {
    if required(Tool::SshKeygen, program(&["ssh-keygen"], &[])).is_none() {
        return;
    }
    let project = Project::empty();
    project.write("integrations/shop.yaml", SHOP);
    let now = jiff::Timestamp::now();
    for (kind, bits, signs) in [
        ("ed25519", "256", true),
        ("ecdsa", "256", true),
        ("ecdsa", "384", true),
        ("ecdsa", "521", false),
        ("rsa", "3072", false),
    ] {
        let key = format!("{kind}{bits}");
        let made = keygen(&project, &["-q", "-t", kind, "-b", bits, "-N", "", "-f", &key], "");
        assert!(made.0, "{}", made.1);
        let public = project.read(&format!("{key}.pub"));
        project.write("allowed", format!("ann@example.com namespaces=\"{NAMESPACE}\" {public}"));
        let signers = Signatures::read(&project.read("allowed")).unwrap();
        let signatures = Signatures { required: true, signers };
        let signed = project.run(&["plan", "--out", "p.plan", "--sign", &key]);
        if signs {
            signed.assert_code(0);
            let plan = plans::read(&project.read("p.plan"));
            project.write("p.sig", plan.signature.as_ref().unwrap());
            let verify =
                ["-Y", "verify", "-f", "allowed", "-I", "ann@example.com", "-n", NAMESPACE, "-s", "p.sig"];
            let (is_good, said) = keygen(&project, &verify, &plan.digest);
            assert!(is_good, "{key}: {said}");
            assert!(!keygen(&project, &verify, &format!("{}x", plan.digest)).0);
            require_signature(Some(&plan), &signatures, now).unwrap();
            let shown = project.run(&["show", "p.plan"]);
            assert!(shown.stdout.contains("Signed with the key SHA256:"), "{}", shown.stdout);
            let json = project.run(&["show", "p.plan", "-o", "json"]).json();
            assert!(said.contains(json["signed"]["key"].as_str().unwrap()), "{said}");
        } else {
            let refused = signed.assert_code(64);
            assert!(refused.stderr.contains("ssh-keygen -t ed25519"), "{}", refused.stderr);
            project.run(&["plan", "--out", "p.plan"]).assert_code(0);
        }
        // Signed by ssh-keygen.
        let mut plan = plans::read(&project.read("p.plan"));
        project.write("digest", &plan.digest);
        let sign = |namespace: &str| {
            let _ = std::fs::remove_file(project.at("digest.sig"));
            let (is_done, said) =
                keygen(&project, &["-Y", "sign", "-f", &key, "-n", namespace, "digest"], "");
            assert!(is_done, "{said}");
            project.read("digest.sig")
        };
        plan.signature = Some(sign(NAMESPACE));
        let of_521 = kind == "ecdsa" && bits == "521";
        let signed = signed_by(&plan, &signatures, now);
        match of_521 {
            true => assert!(matches!(signed, Err(Broken::Kind(_)))),
            false => assert_eq!(signed.unwrap().unwrap().names, ["ann@example.com"], "{key}"),
        }
        plan.signature = Some(sign("git"));
        assert_eq!(
            signed_by(&plan, &signatures, now),
            Err(Broken::Namespace { found: "git".to_owned(), wanted: pairform::plan::signature::NAMESPACE })
        );
    }
    let encrypted = keygen(&project, &["-q", "-t", "ed25519", "-N", "a phrase", "-f", "locked"], "");
    assert!(encrypted.0, "{}", encrypted.1);
    let refused = project.run(&["plan", "--out", "p.plan", "--sign", "locked"]);
    assert!(refused.assert_code(64).stderr.contains("it is encrypted"), "{}", refused.stderr);
}

#[test]
fn a_broken_signature_is_refused_even_where_none_is_asked_for() {
    if required(Tool::SshKeygen, program(&["ssh-keygen"], &[])).is_none() {
        return;
    }
    let project = Project::empty();
    project.write("integrations/shop.yaml", SHOP);
    for key in ["ann", "bo"] {
        assert!(keygen(&project, &["-q", "-t", "ed25519", "-N", "", "-f", key], "").0);
    }
    project.run(&["plan", "--out", "p.plan", "--sign", "ann"]).assert_code(0);
    let good = project.read("p.plan");
    let plan: Json = serde_json::from_str(&good).unwrap();
    let mut other = plan.clone();
    other["commit"] = Json::Null;
    other["findings"] = serde_json::json!([]);
    let mut words = plan.clone();
    words["signature"] = "signed, honestly".into();
    let mut cut = plan.clone();
    cut["signature"] = plan["signature"].as_str().unwrap().replacen('A', "B", 3).into();
    for (what, bad) in [("of another plan", other), ("no signature", words), ("another signature", cut)] {
        project.write("bad.plan", crate::expectations::sealed(bad));
        let shown = project.run(&["show", "bad.plan"]);
        assert!(shown.assert_code(0).stdout.contains("The signature is broken"), "{what}: {}", shown.stdout);
        let refused = project.run(&["apply", "bad.plan"]);
        assert!(refused.assert_code(6).stderr.contains("signature of the plan is broken"), "{what}");
    }
    assert!(!project.at(".pairform").exists());
    // What is asked for comes from outside.
    let now = jiff::Timestamp::now();
    let read = plans::read(&good);
    let none = plans::read(&crate::expectations::sealed({
        let mut plan = plan.clone();
        plan.as_object_mut().unwrap().shift_remove("signature");
        plan
    }));
    let of = |key: &str, options: &str| {
        let line = format!("{key}@example.com {options}{}", project.read(&format!("{key}.pub")));
        Signatures { required: true, signers: Signatures::read(&line).unwrap() }
    };
    require_signature(Some(&read), &of("ann", ""), now).unwrap();
    for (file, signatures, said) in [
        (Some(&read), of("bo", ""), "none of the signers'"),
        (Some(&read), of("ann", "namespaces=\"git\" "), "none of the signers'"),
        (Some(&read), of("ann", "valid-before=\"20200101\" "), "none of the signers'"),
        (Some(&read), Signatures { required: true, signers: Vec::new() }, "none of the signers'"),
        (Some(&none), of("ann", ""), "only plans that are signed"),
        (None, of("ann", ""), "only plans that are signed"),
    ] {
        let refused = require_signature(file, &signatures, now).unwrap_err();
        assert!(refused.message.contains(said), "{refused}");
    }
    assert!(signature::verify(&read.digest, read.signature.as_ref().unwrap()).is_ok());
    // From the policy, which a branch cannot write.
    let outside = tempfile::tempdir().unwrap();
    let policy = outside.path().join("policy.yaml");
    let write = |key: &str| {
        let line = format!("{key}@example.com {}", project.read(&format!("{key}.pub")));
        std::fs::write(&policy, format!("require_signed: true\nsigners: [{:?}]\n", line.trim())).unwrap();
    };
    let policy = policy.to_str().unwrap();
    write("bo");
    for (arguments, said) in [
        (&["apply", "p.plan", "--policy", policy][..], "none of the signers'"),
        (&["apply", "--yes", "--policy", policy], "only plans that are signed"),
        (&["apply", "--record-only", "--yes", "--policy", policy], "only plans that are signed"),
    ] {
        let refused = project.run(arguments);
        assert!(refused.assert_code(6).stderr.contains(said), "{}", refused.stderr);
        assert!(refused.stderr.contains("--sign KEY"), "{}", refused.stderr);
    }
    write("ann");
    let shown = project.run(&["show", "p.plan", "--policy", policy]);
    assert!(shown.stdout.contains("Signed by ann@example.com with the key"), "{}", shown.stdout);
    project.run(&["apply", "p.plan", "--policy", policy]).assert_code(0);
}
