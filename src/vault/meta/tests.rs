use super::*;

fn folder() -> Record {
    Record {
        mode: 0o1777,
        uid: 1000,
        gid: 1,
        mtime: FileTime {
            seconds: -5,
            nanos: 999_999_999,
        },
        ..Record::new(Kind::Folder, "")
    }
}

fn entries() -> Vec<Record> {
    let file = Record {
        mode: 0o4755,
        size: 1 << 40,
        hard_link: Some((0, 77)),
        xattrs: [
            (b"user.a".to_vec(), vec![0, 255]),
            (b"user.b".to_vec(), vec![]),
        ]
        .into(),
        stored_name: Some(b"other".to_vec()),
        sparse: Some(vec![(4096, 10), (1 << 30, 1)]),
        ..Record::new(Kind::File, b".git\xff".to_vec())
    };
    let link = Record {
        target: b"../x\n".to_vec(),
        ..Record::new(Kind::Link, "l")
    };
    let device = Record {
        device: (5, 1),
        ..Record::new(Kind::CharDevice, "tty")
    };
    let others = [Kind::Fifo, Kind::BlockDevice, Kind::Folder].map(|kind| Record::new(kind, "x"));
    [file, link, device].into_iter().chain(others).collect()
}

fn encoded(owners: Option<&Owners>) -> Vec<u8> {
    let records: Vec<_> = entries().iter().map(encode_record).collect();
    let own = encode_record(&folder());
    let own = owners.map_or(own.clone(), |owners| with_owners(&own, owners));
    encode(&own, records.iter().map(Vec::as_slice))
}

#[test]
fn everything_comes_back() {
    let owners = Owners {
        users: [(0, b"root".to_vec()), (1000, b"lfs".to_vec())].into(),
        groups: [(1, b"bin".to_vec())].into(),
    };
    let meta = decode(&encoded(Some(&owners))).unwrap();
    assert_eq!(meta.folder, folder());
    assert_eq!(meta.owners, owners);
    let known: Vec<_> = entries().into_iter().map(Decoded::Known).collect();
    assert_eq!(meta.entries, known);
}

#[test]
fn no_cut_and_no_flipped_byte_panics_and_cuts_never_invent_entries() {
    let bytes = encoded(None);
    let whole = decode(&bytes).unwrap();
    for length in 0..bytes.len() {
        if let Ok(meta) = decode(&bytes[..length]) {
            assert!(whole.entries.starts_with(&meta.entries), "{length}");
        }
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            let _ = decode(&bytes);
        }
    }
}

#[test]
fn another_format_is_refused() {
    let mut bytes = encoded(None);
    bytes[3] = 2;
    assert_eq!(decode(&bytes), Err(MetaError::Format(b"BKM\x02".to_vec())));
    assert_eq!(decode(b""), Err(MetaError::Format(Vec::new())));
}

/// A record of a file `n` with one more field.
fn with_field(tag: u8) -> Vec<u8> {
    let mut record = encode_record(&Record::new(Kind::File, "n"));
    record.extend_from_slice(&[tag, 1, b'!']);
    record[0] += 3;
    encode(
        &encode_record(&folder()),
        std::iter::once(record.as_slice()),
    )
}

#[test]
fn unknown_fields_are_skipped_if_even_and_reported_if_odd() {
    let known = Decoded::Known(Record::new(Kind::File, "n"));
    assert_eq!(decode(&with_field(100)).unwrap().entries, [known]);
    let unknown = Decoded::Unknown(b"n".to_vec());
    assert_eq!(decode(&with_field(101)).unwrap().entries, [unknown]);
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    for name in ["", ".", "..", "a/b", "a\0"] {
        let mut record = Record::new(Kind::Fifo, "x");
        record.name = name.into();
        let bytes = encode(
            &encode_record(&folder()),
            std::iter::once(encode_record(&record).as_slice()),
        );
        assert!(
            matches!(decode(&bytes), Err(MetaError::Damaged(_))),
            "{name:?}"
        );
    }
}

#[test]
fn extents_outside_the_file_are_refused() {
    for extents in [
        vec![(0, 11)],
        vec![(5, 2), (4, 1)],
        vec![(1, 0)],
        vec![(u64::MAX, 2)],
    ] {
        let record = Record {
            size: 10,
            sparse: Some(extents),
            ..Record::new(Kind::File, "s")
        };
        let bytes = encode(
            &encode_record(&folder()),
            std::iter::once(encode_record(&record).as_slice()),
        );
        assert!(decode(&bytes).is_err());
    }
}
