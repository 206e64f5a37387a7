// libxml2's SAX2 interface for Swift.
#pragma once
// Without the system's ICU: Foundation, which GRDB imports, brings its own, and one process may not see both. What this
// leaves out is the end of xmlCharEncodingHandler, which only libxml2 itself looks into.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
