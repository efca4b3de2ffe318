#ifndef MESHDECK_MODEL_VERSION_H
#define MESHDECK_MODEL_VERSION_H
/* What --version, the control protocol's hello and the snapshot say. */
#define MESHDECK_VERSION "0.1"
#endif
