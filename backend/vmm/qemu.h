#ifndef MESHDECK_VMM_QEMU_H
#define MESHDECK_VMM_QEMU_H
/*
 * The QEMU driver: machine `microvm` with ACPI, virtio-mmio devices, two QMP sockets in the VM's
 * folder (qmp.sock ours, rescue.sock for people), the serial line on serial.sock, qemu.pid locked,
 * qemu.log bounded. Engine thread.
 */
#include "backend/vmm/vmm.h"

#define QEMU_PROGRAM "qemu-system-x86_64"
#define QEMU_PID_FILE "qemu.pid"
#define QEMU_LOG_FILE "qemu.log"
#define QEMU_QMP_SOCKET "qmp.sock"
#define QEMU_RESCUE_SOCKET "rescue.sock"
#define QEMU_SERIAL_SOCKET "serial.sock"

extern const struct vmm_driver vmm_qemu;

#endif
