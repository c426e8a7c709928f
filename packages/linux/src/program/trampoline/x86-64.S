/*
 * The trampoline of system-call programs, x86-64.
 *
 *   long run(struct control *control)
 *
 * Blocks all signals, calls clone3 and, in the child, executes the entries of the program one after the
 * other. With no clone arguments the entries are executed by the calling thread itself. No libc, no
 * memory but the program's own: the child may share the stack of its parent because it never writes to it.
 *
 * Layouts: see ../layout.ts, which must agree.
 */
        .intel_syntax noprefix

        .set    CONTROL_CLONE_ARGS, 0   /* address of struct clone_args, or 0: execute in place */
        .set    CONTROL_CLONE_SIZE, 8
        .set    CONTROL_ENTRIES, 16     /* address of the first entry */
        .set    CONTROL_END, 24         /* address behind the last entry */
        .set    CONTROL_CURRENT, 32     /* out: address of the entry that was begun last */
        .set    CONTROL_FAILED, 40      /* out: 1 when that entry failed, else 0 */
        .set    CONTROL_OLD_MASK, 48    /* scratch: the caller's signal mask */
        .set    CONTROL_ALL_SIGNALS, 56 /* a mask with every signal */

        .set    ENTRY_CALL, 0           /* u32 number of the system call */
        .set    ENTRY_REFERENCES, 4     /* u8 bit n: argument n is the address of another entry's result */
        .set    ENTRY_LEAVE, 5          /* u8 1: a result above 0 ends this process (the parent of a clone3) */
        .set    ENTRY_ARGUMENTS, 8      /* 6 x u64 */
        .set    ENTRY_MINIMUM, 56       /* s64: a result below it is a failure ... */
        .set    ENTRY_TOLERATED, 64     /* 4 x s16: ... unless it is one of these */
        .set    ENTRY_RESULT, 72        /* out: s64 */
        .set    ENTRY_SIZE, 80

        .set    SYS_rt_sigprocmask, 14
        .set    SYS_exit_group, 231
        .set    SYS_clone3, 435
        .set    SIG_SETMASK, 2

        .text
        .globl  run
run:
        push    rbx
        push    r12
        push    r13
        mov     rbx, rdi
        mov     r12, [rbx + CONTROL_ENTRIES]
        mov     r13, [rbx + CONTROL_END]
        cmp     qword ptr [rbx + CONTROL_CLONE_ARGS], 0
        je      next

        mov     eax, SYS_rt_sigprocmask
        mov     edi, SIG_SETMASK
        lea     rsi, [rbx + CONTROL_ALL_SIGNALS]
        lea     rdx, [rbx + CONTROL_OLD_MASK]
        mov     r10d, 8
        syscall
        mov     eax, SYS_clone3
        mov     rdi, [rbx + CONTROL_CLONE_ARGS]
        mov     rsi, [rbx + CONTROL_CLONE_SIZE]
        syscall
        test    rax, rax
        jz      next
        mov     r12, rax
        mov     eax, SYS_rt_sigprocmask
        mov     edi, SIG_SETMASK
        lea     rsi, [rbx + CONTROL_OLD_MASK]
        xor     edx, edx
        mov     r10d, 8
        syscall
        mov     rax, r12
return:
        pop     r13
        pop     r12
        pop     rbx
        ret

next:
        cmp     r12, r13
        je      finish
        mov     [rbx + CONTROL_CURRENT], r12
        mov     rdi, [r12 + ENTRY_ARGUMENTS]
        mov     rsi, [r12 + ENTRY_ARGUMENTS + 8]
        mov     rdx, [r12 + ENTRY_ARGUMENTS + 16]
        mov     r10, [r12 + ENTRY_ARGUMENTS + 24]
        mov     r8, [r12 + ENTRY_ARGUMENTS + 32]
        mov     r9, [r12 + ENTRY_ARGUMENTS + 40]
        mov     cl, [r12 + ENTRY_REFERENCES]
        .macro  resolve bit, register
        test    cl, \bit
        jz      1f
        mov     \register, [\register]
1:
        .endm
        resolve 1, rdi
        resolve 2, rsi
        resolve 4, rdx
        resolve 8, r10
        resolve 16, r8
        resolve 32, r9
        mov     eax, [r12 + ENTRY_CALL]
        syscall
        mov     [r12 + ENTRY_RESULT], rax
        cmp     rax, [r12 + ENTRY_MINIMUM]
        jge     done
        .macro  tolerate slot
        movsx   rcx, word ptr [r12 + ENTRY_TOLERATED + 2 * \slot]
        cmp     rax, rcx
        je      done
        .endm
        tolerate 0
        tolerate 1
        tolerate 2
        tolerate 3
        mov     qword ptr [rbx + CONTROL_FAILED], 1
        jmp     finish
done:
        cmp     byte ptr [r12 + ENTRY_LEAVE], 0
        je      advance
        test    rax, rax
        jg      finish
advance:
        add     r12, ENTRY_SIZE
        jmp     next

finish:
        xor     eax, eax
        cmp     qword ptr [rbx + CONTROL_CLONE_ARGS], 0
        je      return
        mov     eax, SYS_exit_group
        xor     edi, edi
        syscall
        hlt
