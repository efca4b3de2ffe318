#ifndef MESHDECK_STORE_RECORDS_H
#define MESHDECK_STORE_RECORDS_H
/* The small records in one include, for those that began with it; new code names what it uses. */
#include "backend/store/ackrec.h"
#include "backend/store/netrec.h"
#include "backend/store/peerrec.h"
#include "backend/store/proberec.h"
#include "backend/store/settings.h"
#include "backend/store/vmrec.h"

#endif
