;; The arithmetic of the codecs on vectors of four float32 (WebAssembly SIMD), several times as fast
;; as JavaScript's. Constants of loops are locals, which stay in registers.
;; Each function works on one gradient that lies in memory, padded with zeros to a multiple of 64 values. What the
;; numbers must be is said, value by value, in the plain codecs of test/store/shards/plain-codecs.ts.
;;
;; The encoders leave three sums at address 0, as float64: of x², of x·e and of e², where x is a value and e what the
;; codec adds to it. 1 − cos follows from these (cosine-loss.ts). They are taken over 64 values at a time in float32,
;; of values that were divided by a scale, so that nothing overflows.
(module
  (memory (export "memory") 1)

  ;; Bits of the largest magnitude among $n float32 from $x on: 0x7f800000 or more where one is not finite, as the bits
  ;; of non-negative floats are in the order of the numbers, and infinity and NaN come last.
  (func $largest (export "largest") (param $x i32) (param $n i32) (result i32)
    (local $end i32) (local $most v128) (local $magnitude v128)
    (local.set $magnitude (i32x4.splat (i32.const 0x7fffffff)))
    (local.set $end (i32.add (local.get $x) (i32.shl (local.get $n) (i32.const 2))))
    (loop $next
      (local.set $most (i32x4.max_u (local.get $most)
        (v128.and (v128.load (local.get $x)) (local.get $magnitude))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $x) (local.get $end))))
    ;; The largest of the four lanes: fold halves, then neighbours.
    (local.set $most (i32x4.max_u (local.get $most)
      (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $most) (local.get $most))))
    (i32x4.extract_lane 0 (i32x4.max_u (local.get $most)
      (i8x16.shuffle 4 5 6 7 0 1 2 3 12 13 14 15 8 9 10 11 (local.get $most) (local.get $most)))))

  ;; Sum of four lanes, in float64.
  (func $total (param $lanes v128) (result f64)
    (local $pairs v128)
    (local.set $pairs (f64x2.add
      (f64x2.promote_low_f32x4 (local.get $lanes))
      (f64x2.promote_low_f32x4
        (i8x16.shuffle 8 9 10 11 12 13 14 15 0 1 2 3 4 5 6 7 (local.get $lanes) (local.get $lanes)))))
    (f64.add (f64x2.extract_lane 0 (local.get $pairs)) (f64x2.extract_lane 1 (local.get $pairs))))

  ;; Adds the sums of a block, of values divided by $scale, to those at address 0.
  (func $addSums (param $xx f64) (param $xe f64) (param $ee f64) (param $scale f64)
    (local $square f64)
    (local.set $square (f64.mul (local.get $scale) (local.get $scale)))
    (f64.store (i32.const 0) (f64.add (f64.load (i32.const 0)) (f64.mul (local.get $square) (local.get $xx))))
    (f64.store (i32.const 8) (f64.add (f64.load (i32.const 8)) (f64.mul (local.get $square) (local.get $xe))))
    (f64.store (i32.const 16) (f64.add (f64.load (i32.const 16)) (f64.mul (local.get $square) (local.get $ee)))))

  (func $clearSums
    (f64.store (i32.const 0) (f64.const 0))
    (f64.store (i32.const 8) (f64.const 0))
    (f64.store (i32.const 16) (f64.const 0)))

  ;; $n float32 from $x on, times $factor times $factor2 (powers of two: together they may be beyond float32), become
  ;; the nearest halves from $to on. |x · factor · factor2| < 2^15.
  (func (export "encodeHalf") (param $x i32) (param $n i32) (param $to i32) (param $factor f32) (param $factor2 f32)
    (local $end i32) (local $blockEnd i32)
    (local $f v128) (local $f2 v128) (local $value v128) (local $size v128) (local $rounded v128) (local $error v128)
    (local $half v128) (local $low v128) (local $isSmall v128)
    (local $xx v128) (local $xe v128) (local $ee v128)
    (local $smallestNormal v128) (local $aHalf v128) (local $rounding v128) (local $one v128)
    (local $largestHalf v128) (local $bias v128) (local $sign v128)
    (local.set $smallestNormal (i32x4.splat (i32.const 0x38800000)))
    (local.set $aHalf (f32x4.splat (f32.const 0.5)))
    (local.set $rounding (i32x4.splat (i32.const 0xfff)))
    (local.set $one (i32x4.splat (i32.const 1)))
    ;; The largest half below 2^15, with the bias of float32.
    (local.set $largestHalf (i32x4.splat (i32.const 0x237ff)))
    ;; The difference of the exponents' biases, 127 - 15, at the place of the exponent of a half.
    (local.set $bias (i32x4.splat (i32.const 0x1c000)))
    (local.set $sign (i32x4.splat (i32.const 0x8000)))
    (call $clearSums)
    (local.set $f (f32x4.splat (local.get $factor)))
    (local.set $f2 (f32x4.splat (local.get $factor2)))
    (local.set $end (i32.add (local.get $x) (i32.shl (local.get $n) (i32.const 2))))
    (loop $block
      (local.set $blockEnd (i32.add (local.get $x) (i32.const 256)))
      (local.set $xx (v128.const f32x4 0 0 0 0))
      (local.set $xe (v128.const f32x4 0 0 0 0))
      (local.set $ee (v128.const f32x4 0 0 0 0))
      (loop $four
        (local.set $value
          (f32x4.mul (f32x4.mul (v128.load (local.get $x)) (local.get $f)) (local.get $f2)))
        (local.set $size (f32x4.abs (local.get $value)))
        ;; Below 2^-14 halves are multiples of 2^-24, the last place of float32 at 0.5: adding 0.5 rounds to them.
        (local.set $isSmall (i32x4.lt_s (local.get $size)
          (local.get $smallestNormal)))
        (local.set $rounded (f32x4.add (local.get $size) (local.get $aHalf)))
        (local.set $low (i32x4.sub (local.get $rounded)
          (local.get $aHalf)))
        (local.set $rounded (f32x4.sub (local.get $rounded) (local.get $aHalf)))
        ;; Else 13 bits are cut off, after adding half a unit of the last that stays, less one where that is even.
        ;; Not up to 2^15: that could become more than float32 holds when it is multiplied by the scale.
        (local.set $half (i32x4.min_s
          (i32x4.shr_u
            (i32x4.add
              (i32x4.add (local.get $size) (local.get $rounding))
              (v128.and (i32x4.shr_u (local.get $size) (i32.const 13)) (local.get $one)))
            (i32.const 13))
          (local.get $largestHalf)))
        (local.set $rounded
          (v128.bitselect (local.get $rounded) (i32x4.shl (local.get $half) (i32.const 13)) (local.get $isSmall)))
        (local.set $half (v128.bitselect (local.get $low)
          (i32x4.sub (local.get $half) (local.get $bias))
          (local.get $isSmall)))
        (local.set $half (v128.or (local.get $half)
          (v128.and (i32x4.shr_u (local.get $value) (i32.const 16))
            (local.get $sign))))
        (v128.store64_lane 0 (local.get $to) (i16x8.narrow_i32x4_u (local.get $half) (local.get $half)))
        ;; Signs are the same on both sides.
        (local.set $error (f32x4.sub (local.get $rounded) (local.get $size)))
        (local.set $xx (f32x4.add (local.get $xx) (f32x4.mul (local.get $size) (local.get $size))))
        (local.set $xe (f32x4.add (local.get $xe) (f32x4.mul (local.get $size) (local.get $error))))
        (local.set $ee (f32x4.add (local.get $ee) (f32x4.mul (local.get $error) (local.get $error))))
        (local.set $to (i32.add (local.get $to) (i32.const 8)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $four (i32.lt_u (local.get $x) (local.get $blockEnd))))
      (call $addSums (call $total (local.get $xx)) (call $total (local.get $xe)) (call $total (local.get $ee))
        (f64.const 1))
      (br_if $block (i32.lt_u (local.get $x) (local.get $end)))))

  ;; $n halves from $half on, times $scale, become float32 from $to on. Finite ones only: a shard holds no others.
  ;; Up to 15 values more are read and written.
  (func (export "decodeHalf") (param $half i32) (param $n i32) (param $to i32) (param $scale f32)
    (local $end i32) (local $bias v128) (local $factor v128) (local $mask v128) (local $eight v128)
    (local.set $mask (i32x4.splat (i32.const 0x8fffe000)))
    ;; 2^112: the difference of the exponents' biases.
    (local.set $bias (f32x4.splat (f32.const 0x1p112)))
    (local.set $factor (f32x4.splat (local.get $scale)))
    (local.set $end (i32.add (local.get $half) (i32.shl (local.get $n) (i32.const 1))))
    (loop $next
      ;; Moved by 13 bits the mantissa is at its place in float32, the sign at its own, and the exponent too low by the
      ;; difference of the biases. What has no exponent is right by then, too: there is none in float32 either.
      (local.set $eight (v128.load (local.get $half)))
      (v128.store (local.get $to)
        (f32x4.mul (local.get $factor) (f32x4.mul (local.get $bias) (v128.and (local.get $mask)
          (i32x4.shl (i32x4.extend_low_i16x8_s (local.get $eight)) (i32.const 13))))))
      (v128.store offset=16 (local.get $to)
        (f32x4.mul (local.get $factor) (f32x4.mul (local.get $bias) (v128.and (local.get $mask)
          (i32x4.shl (i32x4.extend_high_i16x8_s (local.get $eight)) (i32.const 13))))))
      (local.set $eight (v128.load offset=16 (local.get $half)))
      (v128.store offset=32 (local.get $to)
        (f32x4.mul (local.get $factor) (f32x4.mul (local.get $bias) (v128.and (local.get $mask)
          (i32x4.shl (i32x4.extend_low_i16x8_s (local.get $eight)) (i32.const 13))))))
      (v128.store offset=48 (local.get $to)
        (f32x4.mul (local.get $factor) (f32x4.mul (local.get $bias) (v128.and (local.get $mask)
          (i32x4.shl (i32x4.extend_high_i16x8_s (local.get $eight)) (i32.const 13))))))
      (local.set $half (i32.add (local.get $half) (i32.const 32)))
      (local.set $to (i32.add (local.get $to) (i32.const 64)))
      (br_if $next (i32.lt_u (local.get $half) (local.get $end)))))

  ;; The scale of a block whose largest magnitude is $largest: a 127th of it, as a float32. 1 for zeros.
  (func $blockScale (param $largest f32) (result f32)
    (local $exact f64) (local $scale f32)
    (if (f32.eq (local.get $largest) (f32.const 0)) (then (return (f32.const 1))))
    (local.set $exact (f64.div (f64.promote_f32 (local.get $largest)) (f64.const 127)))
    ;; So far down float32 has few digits: rounding to nearest could halve the scale. Rounding up keeps all in range.
    (if (f64.lt (local.get $exact) (f64.const 0x1p-126))
      (then (return (f32.demote_f64
        (f64.mul (f64.ceil (f64.mul (local.get $exact) (f64.const 0x1p149))) (f64.const 0x1p-149))))))
    ;; Rounded down, as otherwise 127 · scale could exceed the largest float32. The largest value may then come out a
    ;; little above 127, which still rounds to 127.
    (local.set $scale (f32.demote_f64 (local.get $exact)))
    (if (f64.gt (f64.promote_f32 (local.get $scale)) (local.get $exact))
      (then (return (f32.demote_f64 (f64.mul (local.get $exact) (f64.const 0x1.fffffep-1))))))
    (local.get $scale))

  ;; 64 float32 from $x on, divided by $scale in float64, become the nearest whole numbers, ties up, from $to on.
  (func $encodeExactly (param $x i32) (param $to i32) (param $scale f64)
    (local $end i32) (local $factor f64) (local $value f64) (local $rounded f64) (local $error f64)
    (local $xx f64) (local $xe f64) (local $ee f64)
    (local.set $factor (f64.div (f64.const 1) (local.get $scale)))
    (local.set $end (i32.add (local.get $x) (i32.const 256)))
    (loop $next
      (local.set $value (f64.mul (f64.promote_f32 (f32.load (local.get $x))) (local.get $factor)))
      (local.set $rounded (f64.floor (local.get $value)))
      (if (f64.ge (f64.sub (local.get $value) (local.get $rounded)) (f64.const 0.5))
        (then (local.set $rounded (f64.add (local.get $rounded) (f64.const 1)))))
      (i32.store8 (local.get $to) (i32.trunc_sat_f64_s (local.get $rounded)))
      (local.set $error (f64.sub (local.get $rounded) (local.get $value)))
      (local.set $xx (f64.add (local.get $xx) (f64.mul (local.get $value) (local.get $value))))
      (local.set $xe (f64.add (local.get $xe) (f64.mul (local.get $value) (local.get $error))))
      (local.set $ee (f64.add (local.get $ee) (f64.mul (local.get $error) (local.get $error))))
      (local.set $to (i32.add (local.get $to) (i32.const 1)))
      (local.set $x (i32.add (local.get $x) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $x) (local.get $end))))
    (call $addSums (local.get $xx) (local.get $xe) (local.get $ee) (local.get $scale)))

  ;; $n float32 from $x on become whole numbers of one byte from $to on, and a scale per 64 from $scales on.
  (func (export "encodeInt8") (param $x i32) (param $n i32) (param $to i32) (param $scales i32)
    (local $end i32) (local $blockEnd i32) (local $scale f32)
    (local $value v128) (local $shifted v128) (local $rounded v128) (local $rest v128) (local $error v128)
    (local $isClear v128) (local $factor v128) (local $xx v128) (local $xe v128) (local $ee v128)
    (local $aHalf v128) (local $near v128) (local $far v128) (local $wholes v128)
    (local.set $wholes (f32x4.splat (f32.const 12582912)))
    (local.set $aHalf (f32x4.splat (f32.const 0.5)))
    (local.set $near (f32x4.splat (f32.const 4e-5)))
    (local.set $far (f32x4.splat (f32.const 0.99996)))
    (call $clearSums)
    (local.set $end (i32.add (local.get $x) (i32.shl (local.get $n) (i32.const 2))))
    (loop $block
      (local.set $scale (call $blockScale (f32.reinterpret_i32 (call $largest (local.get $x) (i32.const 64)))))
      (f32.store (local.get $scales) (local.get $scale))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (local.set $factor (f32x4.splat (f32.div (f32.const 1) (local.get $scale))))
      (local.set $blockEnd (i32.add (local.get $x) (i32.const 256)))
      (local.set $isClear (i32x4.splat (i32.const -1)))
      (local.set $xx (v128.const f32x4 0 0 0 0))
      (local.set $xe (v128.const f32x4 0 0 0 0))
      (local.set $ee (v128.const f32x4 0 0 0 0))
      (loop $next
        (local.set $value (f32x4.mul (v128.load (local.get $x)) (local.get $factor)))
        (local.set $shifted (f32x4.add (local.get $value) (local.get $aHalf)))
        (local.set $rounded (f32x4.floor (local.get $shifted)))
        (local.set $rest (f32x4.sub (local.get $shifted) (local.get $rounded)))
        (local.set $isClear (v128.and (local.get $isClear)
          (v128.and (f32x4.gt (local.get $rest) (local.get $near)) (f32x4.lt (local.get $rest) (local.get $far)))))
        (local.set $error (f32x4.sub (local.get $rounded) (local.get $value)))
        (local.set $xx (f32x4.add (local.get $xx) (f32x4.mul (local.get $value) (local.get $value))))
        (local.set $xe (f32x4.add (local.get $xe) (f32x4.mul (local.get $value) (local.get $error))))
        (local.set $ee (f32x4.add (local.get $ee) (f32x4.mul (local.get $error) (local.get $error))))
        ;; 1.5 · 2^23 has no place after the point: the whole number stands in its lowest byte.
        (local.set $rounded (f32x4.add (local.get $rounded) (local.get $wholes)))
        (v128.store32_lane 0 (local.get $to)
          (i8x16.shuffle 0 4 8 12 0 4 8 12 0 4 8 12 0 4 8 12 (local.get $rounded) (local.get $rounded)))
        (local.set $to (i32.add (local.get $to) (i32.const 4)))
        (local.set $x (i32.add (local.get $x) (i32.const 16)))
        (br_if $next (i32.lt_u (local.get $x) (local.get $blockEnd))))
      ;; float32 is off by 2.5e-5 here at most, or no number where the factor is beyond it: a block with a value that
      ;; comes so near to where rounding changes is computed in float64.
      (if (i32x4.all_true (local.get $isClear))
        (then (call $addSums
          (call $total (local.get $xx)) (call $total (local.get $xe)) (call $total (local.get $ee))
          (f64.promote_f32 (local.get $scale))))
        (else (call $encodeExactly
          (i32.sub (local.get $x) (i32.const 256)) (i32.sub (local.get $to) (i32.const 64))
          (f64.promote_f32 (local.get $scale)))))
      (br_if $block (i32.lt_u (local.get $x) (local.get $end)))))

  ;; $n whole numbers of one byte from $from on, times the scale of their 64, become float32 from $to on. The last block
  ;; is read and written whole.
  (func (export "decodeInt8") (param $from i32) (param $n i32) (param $to i32) (param $scales i32)
    (local $end i32) (local $blockEnd i32) (local $factor v128) (local $sixteen v128) (local $eight v128)
    (local.set $end (i32.add (local.get $from) (local.get $n)))
    (loop $block
      (local.set $factor (v128.load32_splat (local.get $scales)))
      (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
      (local.set $blockEnd (i32.add (local.get $from) (i32.const 64)))
      (loop $next
        (local.set $sixteen (v128.load (local.get $from)))
        (local.set $eight (i16x8.extend_low_i8x16_s (local.get $sixteen)))
        (v128.store (local.get $to)
          (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $eight))) (local.get $factor)))
        (v128.store offset=16 (local.get $to)
          (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $eight))) (local.get $factor)))
        (local.set $eight (i16x8.extend_high_i8x16_s (local.get $sixteen)))
        (v128.store offset=32 (local.get $to)
          (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_low_i16x8_s (local.get $eight))) (local.get $factor)))
        (v128.store offset=48 (local.get $to)
          (f32x4.mul (f32x4.convert_i32x4_s (i32x4.extend_high_i16x8_s (local.get $eight))) (local.get $factor)))
        (local.set $from (i32.add (local.get $from) (i32.const 16)))
        (local.set $to (i32.add (local.get $to) (i32.const 64)))
        (br_if $next (i32.lt_u (local.get $from) (local.get $blockEnd))))
      (br_if $block (i32.lt_u (local.get $from) (local.get $end))))))
