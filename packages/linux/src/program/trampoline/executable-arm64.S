/*
 * The beginning of a program that is an executable of its own, arm64. See executable-x86-64.S, which it follows
 * line by line.
 */
        .set    CONTROL_HIGH, 0x20      /* CONTROL is 0x200000 */
        .set    CONTROL_ENTRIES, 16
        .set    CONTROL_CURRENT, 32
        .set    CONTROL_REPORT, 48
        .set    CONTROL_REPORT_TO, 160
        .set    ENTRY_RESULT, 72
        .set    ENTRY_SIZE, 80

        .set    SYS_write, 64
        .set    SYS_exit_group, 94

        .text
start:
        movz    x0, CONTROL_HIGH, lsl 16
        bl      trampoline
        movz    x19, CONTROL_HIGH, lsl 16
        ldr     x10, [x19, CONTROL_CURRENT]
        ldr     x11, [x10, ENTRY_RESULT]
        str     x11, [x19, CONTROL_REPORT + 8]
        ldr     x11, [x19, CONTROL_ENTRIES]
        sub     x10, x10, x11
        mov     x11, ENTRY_SIZE
        udiv    x10, x10, x11
        str     x10, [x19, CONTROL_REPORT]
        mov     x8, SYS_write
        ldr     w0, [x19, CONTROL_REPORT_TO]
        add     x1, x19, CONTROL_REPORT
        mov     x2, 16
        svc     0
        mov     x8, SYS_exit_group
        mov     x0, 127
        svc     0
        brk     0
trampoline:
