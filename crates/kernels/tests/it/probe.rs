//! The loops that measure ceilings do what they say on every instruction set.

use kernels::{Isa, Pool, ReadProbe, ReadWay, multiply_f32, multiply_int8};

#[test]
fn operations_and_bytes_are_counted() {
    let pool = Pool::new(2).unwrap();
    let memory = ReadProbe::new(&pool, 1 << 20).unwrap();
    assert_eq!(memory.num_bytes(), 1 << 20);
    testkit::check_table(Isa::available().iter().map(|isa| (isa.name(), *isa)), |isa| {
        let (int8, f32) = (multiply_int8(isa, 10), multiply_f32(isa, 10));
        assert_eq!(int8 % f32, 0);
        // Four int8 to a lane; of a tile's products there are as many as of a vector's lanes, 256 × 4.
        let expected = match isa {
            Isa::Scalar => 1,
            Isa::Amx(_) => 1024,
            _ => 4,
        };
        assert_eq!(int8 / f32, expected);
        for way in [1, 2, 3, 4].into_iter().flat_map(|streams| [0, 2048].map(|ahead| ReadWay { streams, ahead })) {
            let read: usize = (0..4).map(|slice| memory.read(isa, (slice, 4), way)).sum();
            // What does not divide into steps of all streams is left out.
            assert!(read <= 1 << 20 && read > (1 << 20) - (4 << 10), "{way:?} reads {read} bytes");
        }
        Ok::<_, String>(())
    });
}
