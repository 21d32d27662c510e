use super::*;

#[test]
fn arguments_that_can_be_none_are_named() {
    let argument = |error: ProtocolError| match error {
        ProtocolError::Argument { argument, .. } => argument,
        other => panic!("{other}"),
    };
    let bob = || "bob@example.org".to_owned();
    assert_eq!(argument(identity_points(bob(), vec![0; 31]).unwrap_err()), "the network's id");
    assert_eq!(argument(identity_points("Bob".into(), vec![0; 32]).unwrap_err()), "the address");
    let none = address_mailbox(bob(), vec![0; 32], 0).unwrap_err();
    assert_eq!(argument(none), "the number of mailboxes");
    assert_eq!(argument(mixer_order(vec![0; 32], 0, vec![1]).unwrap_err()), "the sizes");
    assert_eq!(argument(mixer_order(vec![0; 32], 3, vec![]).unwrap_err()), "the list of mixers");
    let many = (0..=64).collect();
    assert_eq!(argument(mixer_order(vec![0; 32], 3, many).unwrap_err()), "the list of mixers");
    let packet = peel_packet(3, 1_024, vec![0; 32], u32::MAX, vec![0; 32], vec![]);
    assert!(matches!(packet, Err(ProtocolError::Refused { .. })));
}
