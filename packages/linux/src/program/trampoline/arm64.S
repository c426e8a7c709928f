/*
 * The trampoline of system-call programs, arm64. See x86-64.S, which it follows line by line.
 *
 *   long run(struct control *control)
 */
        .set    CONTROL_CLONE_ARGS, 0
        .set    CONTROL_CLONE_SIZE, 8
        .set    CONTROL_ENTRIES, 16
        .set    CONTROL_END, 24
        .set    CONTROL_CURRENT, 32
        .set    CONTROL_FAILED, 40
        .set    CONTROL_OLD_MASK, 48
        .set    CONTROL_ALL_SIGNALS, 56

        .set    ENTRY_CALL, 0
        .set    ENTRY_REFERENCES, 4
        .set    ENTRY_LEAVE, 5
        .set    ENTRY_ARGUMENTS, 8
        .set    ENTRY_MINIMUM, 56
        .set    ENTRY_TOLERATED, 64
        .set    ENTRY_RESULT, 72
        .set    ENTRY_SIZE, 80

        .set    SYS_exit_group, 94
        .set    SYS_rt_sigprocmask, 135
        .set    SYS_clone3, 435
        .set    SIG_SETMASK, 2

        .text
        .globl  run
run:
        mov     x9, x0                          /* control; system calls preserve x9 to x15 */
        ldr     x10, [x9, CONTROL_ENTRIES]
        ldr     x11, [x9, CONTROL_END]
        ldr     x12, [x9, CONTROL_CLONE_ARGS]
        cbz     x12, next

        mov     x8, SYS_rt_sigprocmask
        mov     x0, SIG_SETMASK
        add     x1, x9, CONTROL_ALL_SIGNALS
        add     x2, x9, CONTROL_OLD_MASK
        mov     x3, 8
        svc     0
        mov     x8, SYS_clone3
        mov     x0, x12
        ldr     x1, [x9, CONTROL_CLONE_SIZE]
        svc     0
        cbz     x0, next
        mov     x13, x0
        mov     x8, SYS_rt_sigprocmask
        mov     x0, SIG_SETMASK
        add     x1, x9, CONTROL_OLD_MASK
        mov     x2, 0
        mov     x3, 8
        svc     0
        mov     x0, x13
        ret

next:
        cmp     x10, x11
        b.eq    finish
        str     x10, [x9, CONTROL_CURRENT]
        ldp     x0, x1, [x10, ENTRY_ARGUMENTS]
        ldp     x2, x3, [x10, ENTRY_ARGUMENTS + 16]
        ldp     x4, x5, [x10, ENTRY_ARGUMENTS + 32]
        ldrb    w13, [x10, ENTRY_REFERENCES]
        .macro  resolve bit, register
        tbz     w13, \bit, 1f
        ldr     \register, [\register]
1:
        .endm
        resolve 0, x0
        resolve 1, x1
        resolve 2, x2
        resolve 3, x3
        resolve 4, x4
        resolve 5, x5
        ldr     w8, [x10, ENTRY_CALL]
        svc     0
        str     x0, [x10, ENTRY_RESULT]
        ldr     x13, [x10, ENTRY_MINIMUM]
        cmp     x0, x13
        b.ge    done
        .macro  tolerate slot
        ldrsh   x13, [x10, ENTRY_TOLERATED + 2 * \slot]
        cmp     x0, x13
        b.eq    done
        .endm
        tolerate 0
        tolerate 1
        tolerate 2
        tolerate 3
        mov     x13, 1
        str     x13, [x9, CONTROL_FAILED]
        b       finish
done:
        ldrb    w13, [x10, ENTRY_LEAVE]
        cbz     w13, advance
        cmp     x0, 0
        b.gt    finish
advance:
        add     x10, x10, ENTRY_SIZE
        b       next

finish:
        cbz     x12, return
        mov     x8, SYS_exit_group
        mov     x0, 0
        svc     0
        brk     0
return:
        mov     x0, 0
        ret
