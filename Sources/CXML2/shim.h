// libxml2's SAX2 interface for Swift.
#pragma once
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>
