;; Settle the events of one frame, each once, in an order in which all that it waits for is known.
;; hwgen/plan/settling.py lays the memory out, calls `settle` and `required` and says what they mean.
;;
;; A kind of event, 28 bytes: number of events, cycles (i64 each), number settled so far, steps (i32 each), waits, their end,
;; latest cycles (i64 each).
;; A wait, 16 bytes: kind of the source, indices (i32 each), delays (i32 each; 0: none), delay of all.
;; An index is relative to the source's frame: negative ones are of the frames before it, the least i32 is no wait.
(module
  (memory (export "memory") 1)

  ;; kinds, end: where the kinds lie. interval: cycles from a frame to the next. periodic: whether there are frames
  ;; before this one, `interval` earlier each, and events have cycles that they are not to be earlier than.
  ;; order: where the order in which events are settled is put, 8 bytes each: kind, event; 0: nowhere.
  ;; Returns how many events moved. Where some wait in a circle, they are left, and their kind's count falls short.
  (func (export "settle") (param $kinds i32) (param $end i32) (param $interval i64) (param $periodic i32)
                          (param $order i32) (result i64)
    (local $moved i64) (local $progress i32) (local $kind i32) (local $count i32) (local $cycles i32) (local $event i32)
    (local $old i64) (local $new i64) (local $at i64)
    (local $wait i32) (local $waits_end i32) (local $source i32) (local $index i32)

    (loop $again
      (local.set $progress (i32.const 0))
      (local.set $kind (local.get $kinds))
      (loop $each_kind
        (local.set $count (i32.load (local.get $kind)))
        (local.set $cycles (i32.load offset=4 (local.get $kind)))
        (local.set $event (i32.load offset=8 (local.get $kind)))
        (local.set $waits_end (i32.load offset=20 (local.get $kind)))
        (block $stuck
          (loop $each_event
            (br_if $stuck (i32.ge_s (local.get $event) (local.get $count)))
            (local.set $old (i64.load (i32.add (local.get $cycles) (i32.shl (local.get $event) (i32.const 3)))))
            (local.set $new (local.get $old))

            ;; The event before it, of the first one the last of the frame before.
            (if (i32.or (local.get $event) (local.get $periodic))
              (then
                (local.set $index (i32.sub (local.get $event) (i32.const 1)))
                (local.set $at (i64.const 0))
                (if (i32.lt_s (local.get $index) (i32.const 0))
                  (then
                    (local.set $index (i32.sub (local.get $count) (i32.const 1)))
                    (local.set $at (i64.sub (i64.const 0) (local.get $interval)))))
                (local.set $at (i64.add (local.get $at) (i64.add
                  (i64.load (i32.add (local.get $cycles) (i32.shl (local.get $index) (i32.const 3))))
                  (i64.load32_s (i32.add (i32.load offset=12 (local.get $kind)) (i32.shl (local.get $event) (i32.const 2)))))))
                (if (i64.gt_s (local.get $at) (local.get $new)) (then (local.set $new (local.get $at))))))

            (local.set $wait (i32.load offset=16 (local.get $kind)))
            (block $all_waits
              (loop $each_wait
                (br_if $all_waits (i32.eq (local.get $wait) (local.get $waits_end)))
                (block $next
                  (local.set $index
                    (i32.load (i32.add (i32.load offset=4 (local.get $wait)) (i32.shl (local.get $event) (i32.const 2)))))
                  (br_if $next (i32.eq (local.get $index) (i32.const 0x80000000)))
                  (local.set $source (i32.load (local.get $wait)))
                  (local.set $at (i64.const 0))
                  (if (i32.ge_s (local.get $index) (i32.const 0))
                    (then (br_if $stuck (i32.ge_s (local.get $index) (i32.load offset=8 (local.get $source)))))
                    (else
                      (br_if $next (i32.eqz (local.get $periodic)))
                      (loop $each_frame
                        (local.set $index (i32.add (local.get $index) (i32.load (local.get $source))))
                        (local.set $at (i64.sub (local.get $at) (local.get $interval)))
                        (br_if $each_frame (i32.lt_s (local.get $index) (i32.const 0))))))
                  (local.set $at (i64.add (local.get $at) (i64.load (i32.add
                    (i32.load offset=4 (local.get $source)) (i32.shl (local.get $index) (i32.const 3))))))
                  (if (i32.load offset=8 (local.get $wait))
                    (then (local.set $at (i64.add (local.get $at) (i64.load32_s (i32.add
                      (i32.load offset=8 (local.get $wait)) (i32.shl (local.get $event) (i32.const 2))))))))
                  (local.set $at (i64.add (local.get $at) (i64.load32_s offset=12 (local.get $wait))))
                  (if (i64.gt_s (local.get $at) (local.get $new)) (then (local.set $new (local.get $at)))))
                (local.set $wait (i32.add (local.get $wait) (i32.const 16)))
                (br $each_wait)))

            (if (i64.ne (local.get $new) (local.get $old))
              (then
                (i64.store (i32.add (local.get $cycles) (i32.shl (local.get $event) (i32.const 3))) (local.get $new))
                (local.set $moved (i64.add (local.get $moved) (i64.const 1)))))
            (if (local.get $order)
              (then
                (i32.store (local.get $order) (local.get $kind))
                (i32.store offset=4 (local.get $order) (local.get $event))
                (local.set $order (i32.add (local.get $order) (i32.const 8)))))
            (local.set $event (i32.add (local.get $event) (i32.const 1)))
            (i32.store offset=8 (local.get $kind) (local.get $event))
            (local.set $progress (i32.const 1))
            (br $each_event)))
        (local.set $kind (i32.add (local.get $kind) (i32.const 28)))
        (br_if $each_kind (i32.lt_u (local.get $kind) (local.get $end))))
      (br_if $again (local.get $progress)))
    (local.get $moved))

  ;; order, at: where the order in which a first frame's events were settled begins and ends.
  ;; Lowers the latest cycle of all that an event waits for to what the event's own leaves, from the last to the first.
  (func (export "required") (param $order i32) (param $at i32)
    (local $kind i32) (local $event i32) (local $late i64) (local $wait i32) (local $waits_end i32) (local $index i32)
    (local $delay i64)

    (block $done
      (loop $each_event
        (br_if $done (i32.eq (local.get $at) (local.get $order)))
        (local.set $at (i32.sub (local.get $at) (i32.const 8)))
        (local.set $kind (i32.load (local.get $at)))
        (local.set $event (i32.load offset=4 (local.get $at)))
        (local.set $late (i64.load (i32.add (i32.load offset=24 (local.get $kind)) (i32.shl (local.get $event) (i32.const 3)))))

        (if (local.get $event)
          (then
            (call $lower (local.get $kind) (i32.sub (local.get $event) (i32.const 1)) (i64.sub (local.get $late)
              (i64.load32_s (i32.add (i32.load offset=12 (local.get $kind)) (i32.shl (local.get $event) (i32.const 2))))))))

        (local.set $wait (i32.load offset=16 (local.get $kind)))
        (local.set $waits_end (i32.load offset=20 (local.get $kind)))
        (block $all_waits
          (loop $each_wait
            (br_if $all_waits (i32.eq (local.get $wait) (local.get $waits_end)))
            (block $next
              (local.set $index
                (i32.load (i32.add (i32.load offset=4 (local.get $wait)) (i32.shl (local.get $event) (i32.const 2)))))
              (br_if $next (i32.lt_s (local.get $index) (i32.const 0)))
              (local.set $delay (i64.load32_s offset=12 (local.get $wait)))
              (if (i32.load offset=8 (local.get $wait))
                (then (local.set $delay (i64.add (local.get $delay) (i64.load32_s (i32.add
                  (i32.load offset=8 (local.get $wait)) (i32.shl (local.get $event) (i32.const 2))))))))
              (call $lower (i32.load (local.get $wait)) (local.get $index) (i64.sub (local.get $late) (local.get $delay))))
            (local.set $wait (i32.add (local.get $wait) (i32.const 16)))
            (br $each_wait)))
        (br $each_event))))

  ;; No later than a cycle: the latest one of an event.
  (func $lower (param $kind i32) (param $event i32) (param $late i64)
    (local $place i32)
    (local.set $place (i32.add (i32.load offset=24 (local.get $kind)) (i32.shl (local.get $event) (i32.const 3))))
    (if (i64.lt_s (local.get $late) (i64.load (local.get $place)))
      (then (i64.store (local.get $place) (local.get $late))))))
