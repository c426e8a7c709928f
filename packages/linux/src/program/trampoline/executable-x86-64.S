/*
 * The beginning of a program that is an executable of its own, x86-64 (see ../executable.ts). The trampoline
 * (x86-64.S) follows right behind. Executes the program in place; when that comes back, it has failed: reports
 * which entry, and its result, and exits.
 */
        .intel_syntax noprefix

        .set    CONTROL, 0x200000       /* where the program is loaded */
        .set    CONTROL_ENTRIES, 16
        .set    CONTROL_CURRENT, 32
        .set    CONTROL_REPORT, 48      /* out: s64 index of the entry, s64 result */
        .set    CONTROL_REPORT_TO, 160  /* descriptor */
        .set    ENTRY_RESULT, 72
        .set    ENTRY_SIZE, 80

        .set    SYS_write, 1
        .set    SYS_exit_group, 231

        .text
start:
        mov     edi, CONTROL
        call    trampoline
        mov     ebx, CONTROL
        mov     rax, [rbx + CONTROL_CURRENT]
        mov     rcx, [rax + ENTRY_RESULT]
        mov     [rbx + CONTROL_REPORT + 8], rcx
        sub     rax, [rbx + CONTROL_ENTRIES]
        xor     edx, edx
        mov     ecx, ENTRY_SIZE
        div     rcx
        mov     [rbx + CONTROL_REPORT], rax
        mov     eax, SYS_write
        mov     edi, [rbx + CONTROL_REPORT_TO]
        lea     rsi, [rbx + CONTROL_REPORT]
        mov     edx, 16
        syscall
        mov     eax, SYS_exit_group
        mov     edi, 127
        syscall
        hlt
trampoline:
